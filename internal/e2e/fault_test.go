//go:build linux

package e2e

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"dummymessenger/internal/lab/nemesis"
	"dummymessenger/internal/loadtest"
)

// seedFlag repeats a run's random moments and choices as far as timing allows.
var seedFlag = flag.Uint64("seed", 0, "seed of the fault tests; 0 takes a new one")

// times is how often a fault is injected: n times where the environment says
// E2E_LONG=1, a third of that where it says CI=true, and else as often as it
// takes to find what the fault is for, since somebody waits.
func times(n int) int {
	switch {
	case testing.Short():
		return max(1, n/10)
	case os.Getenv("E2E_LONG") == "1":
		return n
	case os.Getenv("CI") == "true":
		return max(2, n*3/10)
	}
	return max(1, n/5)
}

// A trial is replicas under the client's load while faults are injected.
type trial struct {
	*replicas
	*nemesis.Trial
}

// calm is the load of most trials: each request gets as many tries as it
// takes, so that a fault may delay it and must not make it fail. Its rate keeps
// a batch under way at nearly any moment and leaves time to the tests beside it.
func calm() loadtest.Config {
	return loadtest.Config{Workers: 16, Rate: 400, Retries: 1 << 20, Replays: 50, Timeout: 15 * time.Second}
}

// full is calm as fast as the replicas answer: one of them always has the lock.
func full() loadtest.Config {
	config := calm()
	config.Rate = 0
	return config
}

// seed is the flag's, or a new one.
func seed(t *testing.T) uint64 {
	t.Helper()
	s := cmp.Or(*seedFlag, rand.Uint64())
	t.Logf("seed %d", s)
	return s
}

// startTrial puts the replicas under load. databaseURL is what their table is
// read from at the end.
func startTrial(t *testing.T, rs *replicas, databaseURL string, config loadtest.Config) *trial {
	t.Helper()
	config.Seed = seed(t)
	if config.URLs == nil {
		config.URLs = rs.urls()
	}
	tr := &trial{rs, nemesis.NewTrial(databaseURL, config.Seed)}
	must(t, tr.Begin(t.Context(), config))
	return tr
}

// inject breaks something. mend, which must be called, makes it work again.
func (tr *trial) inject(f nemesis.Fault) (mend func()) {
	tr.t.Helper()
	ctx, cancel := context.WithTimeout(tr.t.Context(), 2*patience)
	tr.t.Cleanup(cancel)
	again, err := tr.Inject(ctx, f)
	must(tr.t, err)
	return func() {
		tr.t.Helper()
		must(tr.t, again(ctx))
	}
}

// progress waits until requests that are sent from now on are answered.
func (tr *trial) progress() {
	tr.t.Helper()
	must(tr.t, tr.Progress(tr.t.Context()))
}

// after waits until a random number of further requests is answered, at most so many.
func (tr *trial) after(most int64) {
	tr.t.Helper()
	must(tr.t, tr.After(tr.t.Context(), tr.Rand.Int64N(most)))
}

// pick is a random replica.
func (tr *trial) pick() int { return tr.Rand.IntN(len(tr.members)) }

// finish ends the load and judges all of it. It keeps the evidence where
// something is wrong.
func (tr *trial) finish() *nemesis.Judgement {
	t := tr.t
	t.Helper()
	j, err := tr.Judge(t.Context())
	must(t, err)
	t.Logf("%s; %v", strings.Join(tr.Injected(), ", "), j)
	for _, w := range j.Wrong[:min(10, len(j.Wrong))] {
		t.Error(w)
	}
	if t.Failed() {
		must(t, tr.KeepEvidence(t.Context(), t.ArtifactDir()))
	}
	return j
}

// finishUnharmed is finish for a run in which no request may fail.
func (tr *trial) finishUnharmed() {
	tr.t.Helper()
	j := tr.finish()
	if j.Run.Failed+j.Run.Unknown > 0 {
		tr.t.Errorf("%d requests failed and %d are unknown, want none: %v", j.Run.Failed, j.Run.Unknown, j.Run.Failures)
	}
}

// probe sends one message to replica i and returns the answer, which must come
// within limit. It is judged with the others.
func (tr *trial) probe(i int, limit time.Duration) nemesis.Answer {
	tr.t.Helper()
	a := tr.Post(tr.t.Context(), tr.members[i].URL(), "probe", fmt.Sprintf("probe of replica %d", i+1))
	if a.Err != nil || a.Took > limit {
		tr.t.Errorf("the answer of replica %d took %v, want %v at most (error: %v)", i+1, a.Took, limit, a.Err)
	}
	return a
}

// hostOf is host and port of a database URL.
func hostOf(t *testing.T, databaseURL string) string {
	t.Helper()
	_, rest, _ := strings.Cut(databaseURL, "@")
	host, _, _ := strings.Cut(rest, "/")
	if _, _, err := net.SplitHostPort(host); err != nil {
		t.Fatal(err)
	}
	return host
}
