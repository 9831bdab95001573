package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/report"
	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/verify"
)

const interruptedText = "interrupted: waiting for the requests under way; ^C again quits without a report"

// startProgress writes one line a second until the function it returns is
// called, and one when ctx ends.
func startProgress(ctx context.Context, stderr io.Writer, test *loadtest.Test, l lang.Lang) (stop func()) {
	start, last := time.Now(), int64(0)
	show := func(now time.Time) {
		live := report.Live{Elapsed: now.Sub(start), Snapshot: test.Figures().Snapshot(), Checks: checks(test)}
		fmt.Fprintln(stderr, live.Progress(last, l))
		last = live.OK
	}
	return startWatch(ctx, time.Second, show, func() { fmt.Fprintln(stderr, l.Say(interruptedText)) })
}

// checks returns what was verified so far, nil if nothing is.
func checks(test *loadtest.Test) *verify.Live {
	v := test.Verifier()
	if v == nil {
		return nil
	}
	live := v.Live()
	return &live
}

// startWatch calls show every so often until the function it returns is
// called, and interrupted when ctx ends, never two at a time.
func startWatch(ctx context.Context, every time.Duration, show func(now time.Time), interrupted func()) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		ended := ctx.Done()
		for {
			select {
			case <-done:
				return
			case <-ended:
				ended = nil // once
				interrupted()
			case now := <-ticker.C:
				show(now)
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
	}
}
