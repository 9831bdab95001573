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
func startProgress(ctx context.Context, stderr io.Writer, test *loadtest.Test) (stop func()) {
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
				fmt.Fprintln(stderr, interruptedText)
			case now := <-ticker.C:
				last = writeProgress(stderr, test, now.Sub(start), last)
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
	}
}

// writeProgress returns how many answers there are; last is how many there
// were a second ago.
func writeProgress(stderr io.Writer, test *loadtest.Test, elapsed time.Duration, last int64) int64 {
	s := test.Snapshot()
	line := fmt.Sprintf("%3.0f s  %s answered, %s/s, %s failed, %s unknown", elapsed.Seconds(),
		report.Count(s.OK), report.Count(s.OK-last), report.Count(s.Failed), report.Count(s.Unknown))
	if v := test.Verifier(); v != nil {
		line += ", " + report.Plural(v.Live().Violations, "violation")
	}
	fmt.Fprintln(stderr, line)
	return s.OK
}
