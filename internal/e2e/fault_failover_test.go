//go:build linux

package e2e

import (
	"testing"
	"time"

	"dummymessenger/internal/lab/labtest"
	"dummymessenger/internal/lab/nemesis"
	"dummymessenger/internal/verify"
)

// The primary is killed, its standby takes over, and the replicas find it; then
// the same again in the other direction. Nothing that was answered is lost,
// and requests under way wait and succeed.
func TestFaultFailover(t *testing.T) {
	t.Parallel()
	pair := labtest.Pair(t)
	databaseURL := pair.URL("postgres")
	tr := startTrial(t, start(t, 2, databaseURL), databaseURL, calm())
	for range 2 {
		tr.after(400)
		rejoin := tr.inject(nemesis.FailOver(pair))
		tr.progress()
		rejoin()
		tr.progress()
	}
	tr.finishUnharmed()
}

// A failover to a standby that is behind loses answered messages, and these tests see it.
func TestFailoversAreFelt(t *testing.T) {
	t.Parallel()
	pair := labtest.Pair(t)
	must(t, pair.Primary.Set(t.Context(), "synchronous_standby_names", "")) // commits wait for nobody
	databaseURL := pair.URL("postgres")
	tr := startTrial(t, start(t, 2, databaseURL), databaseURL, calm())
	must(t, pair.Standby.KillHard())
	tr.progress()
	must(t, pair.Primary.KillHard())
	must(t, pair.Standby.Restart(t.Context()))
	tr.inject(nemesis.FailOver(pair))
	mustDiffer(t, tr)
}

// While the synchronous standby is away nothing is acknowledged, though the
// primary has it on its own disk. Callers wait, and are told in time that the
// outcome is unknown; once the standby is back everything is there once.
func TestFaultStandbyGoesAway(t *testing.T) {
	t.Parallel()
	pair := labtest.Pair(t)
	databaseURL := pair.Primary.URL("postgres")
	config := calm()
	config.Retries = 0
	tr := startTrial(t, start(t, 2, databaseURL, "--request-timeout", "2s"), databaseURL, config)
	restart := tr.inject(nemesis.LoseStandby(pair))

	// What was on its way to the standby may still be answered. From then on
	// nothing is: for a whole request time-out, and another one.
	quiet(tr, 2*time.Second)
	before := tr.Answered()
	time.Sleep(2 * time.Second)
	if n := tr.Answered() - before; n != 0 {
		t.Errorf("%d requests were answered while the standby was away", n)
	}
	restart()
	tr.progress()
	o := tr.finish()
	unknown := 0
	for _, op := range o.Operations {
		switch {
		case op.Outcome == verify.OK:
		case op.Outcome == verify.Unknown && op.Reason == "status 504":
			unknown++
		case op.Outcome == verify.Failed: // 503: it was never sent to the database
		default:
			t.Errorf("%v: %s, want 504 or 503", op.Outcome, op.Reason)
		}
	}
	if unknown == 0 {
		t.Error("nobody was told that the outcome is unknown")
	}
	c := o.Verdict.Counts
	t.Logf("%d × 504: %d were stored, %d were not, %d unsettled", unknown, c.Stored, c.NotStored, c.Unsettled)
}

// quiet waits until no request has been answered for so long.
func quiet(tr *trial, length time.Duration) {
	tr.t.Helper()
	answered, since := tr.Answered(), time.Now()
	eventually(tr.t, "no request is answered", func() bool {
		if now := tr.Answered(); now != answered {
			answered, since = now, time.Now()
		}
		return time.Since(since) >= length
	})
}
