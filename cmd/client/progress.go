package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/report"
)

const interruptedText = "interrupted: waiting for the requests under way; once more, and what there is is lost"

// startProgress writes one line a second until the function it returns is
// called, and one when ctx ends.
func startProgress(ctx context.Context, stderr io.Writer, test *loadtest.Test, lang report.Lang) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		start, last := time.Now(), int64(0)
		interrupted := ctx.Done()
		for {
			select {
			case <-done:
				return
			case <-interrupted:
				interrupted = nil // it is said once
				fmt.Fprintln(stderr, lang.Say(interruptedText))
			case now := <-ticker.C:
				s := test.Snapshot()
				live := report.Live{Elapsed: now.Sub(start), OK: s.OK, Failed: s.Failed, Unknown: s.Unknown}
				if v := test.Verifier(); v != nil {
					checks := v.Live()
					live.Checks = &checks
				}
				fmt.Fprintln(stderr, live.Progress(last, lang))
				last = s.OK
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
	}
}
