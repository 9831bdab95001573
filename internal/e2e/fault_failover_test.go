//go:build linux

package e2e

import (
	"context"
	"testing"
	"time"

	"dummymessenger/internal/pgcluster"
	"dummymessenger/internal/pgtest"
	"dummymessenger/internal/verify"
)

// pair is a primary and its synchronous standby.
func pair(t *testing.T) (primary, standby *pgcluster.Cluster) {
	t.Helper()
	primary = pgtest.Cluster(t, pgcluster.Config{Pair: true})
	standby, err := primary.StartStandby(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standby.Stop(); err != nil {
			t.Error(err)
		}
	})
	waitForStandby(t, primary)
	return primary, standby
}

// waitForStandby makes the primary's commits wait for its standby from now on.
func waitForStandby(t *testing.T, primary *pgcluster.Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must(t, primary.Set(ctx, "synchronous_standby_names", "*"))
	must(t, primary.WaitSync(ctx))
}

// The primary is killed, its standby takes over, and the replicas find it; then
// the same again in the other direction. Nothing that was answered is lost,
// and requests under way wait and succeed.
func TestFaultFailover(t *testing.T) {
	t.Parallel()
	primary, standby := pair(t)
	databaseURL := pgcluster.PairURL(primary, standby, "postgres")
	tr := startTrial(t, start(t, 2, databaseURL), databaseURL, calm())
	for range times(2) {
		tr.pause(time.Second)
		must(t, primary.KillHard())
		tr.fault("kill -9 of the primary, and failover")
		must(t, standby.Promote(t.Context()))
		// It has no standby of its own yet.
		must(t, standby.Set(t.Context(), "synchronous_standby_names", ""))
		tr.progress()
		must(t, primary.Follow(t.Context(), standby))
		primary, standby = standby, primary
		waitForStandby(t, primary)
		tr.progress()
	}
	tr.finishUnharmed()
}

// While the synchronous standby is away nothing is acknowledged, though the
// primary has it on its own disk. Callers wait, and are told in time that the
// outcome is unknown; once the standby is back everything is there once.
func TestFaultStandbyGoesAway(t *testing.T) {
	t.Parallel()
	primary, standby := pair(t)
	databaseURL := primary.URL("postgres")
	config := calm()
	config.Retries = 0
	tr := startTrial(t, start(t, 2, databaseURL, "--request-timeout", "2s"), databaseURL, config)
	must(t, standby.KillHard())
	tr.fault("synchronous standby killed")

	// What was on its way to the standby may still be answered. From then on
	// nothing is: for a whole request time-out, and another one.
	quiet(tr, 2*time.Second)
	before := tr.load.Answered()
	time.Sleep(2 * time.Second)
	if n := tr.load.Answered() - before; n != 0 {
		t.Errorf("%d requests were answered while the standby was away", n)
	}
	must(t, standby.Restart(t.Context()))
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
	answered, since := tr.load.Answered(), time.Now()
	eventually(tr.t, "no request is answered", func() bool {
		if now := tr.load.Answered(); now != answered {
			answered, since = now, time.Now()
		}
		return time.Since(since) >= length
	})
}
