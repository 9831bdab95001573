package loadtest

import (
	"context"
	"slices"
	"time"

	"dummymessenger/internal/verify"
)

const (
	sentinelTries   = 3 // at each replica, in each round
	sentinelTimeout = 10 * time.Second
	settleRounds    = 4
	settlePause     = 500 * time.Millisecond

	// settleGrace is how long after its caller has given up a request may
	// still be stored.
	settleGrace = time.Second
)

// settle sends sentinels: messages that are not part of the load, one through
// each replica, after all operations have ended. Their windows show the end of
// the log, so that the verifier knows which messages were stored. While it does
// not know that of some, settle sends a few rounds more.
func (t *Test) settle(ctx context.Context) {
	w := newWorker(t, len(t.workers), 0)
	w.timeout, w.retries = min(w.timeout, sentinelTimeout), 0
	defer w.close()
	silent := make([]bool, len(t.targets)) // replicas that answer no sentinel
	for round := range settleRounds {
		for replica := range t.targets {
			if !silent[replica] {
				silent[replica] = !w.sentinel(ctx, replica)
			}
		}
		if t.verifier.Unsettled(settleGrace) == 0 || !slices.Contains(silent, false) {
			return
		}
		if round < settleRounds-1 {
			time.Sleep(settlePause)
		}
	}
}

// sentinel reports whether replica answered.
func (w *worker) sentinel(ctx context.Context, replica int) bool {
	for try := range sentinelTries {
		if try > 0 {
			sleep(ctx, w.pauseAfter(try, 0))
		}
		op := &verify.Operation{
			Worker: w.id, Number: w.number, Sentinel: true,
			Sender: w.test.config.Senders[0], Text: w.nonce(w.number) + " sentinel",
		}
		w.number++
		w.perform(ctx, op, w.test.now(), replica)
		if op.Outcome == verify.OK {
			return true
		}
	}
	return false
}
