//go:build linux

package e2e

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/nemesis"
	"dummymessenger/internal/verify"
)

// seedFlag repeats a run's random moments and choices as far as timing allows.
var seedFlag = flag.Uint64("seed", 0, "seed of the fault tests; 0 takes a new one")

// times is how often a fault is injected: n times where the environment says
// E2E_LONG=1, else as often as a build that somebody waits for allows.
func times(n int) int {
	switch {
	case testing.Short():
		return max(1, n/10)
	case os.Getenv("E2E_LONG") == "1":
		return n
	}
	return max(2, n*3/10)
}

// A trial is replicas under the client's load while faults are injected.
type trial struct {
	*replicas
	url   string // of the database
	load  *nemesis.Load
	rng   *rand.Rand
	begun time.Time
	count map[string]int // of faults, by name

	probes []*verify.Operation // sent beside the load
}

// calm is the load of most trials: each request gets as many tries as it
// takes, so that a fault may delay it and must not make it fail.
func calm() loadtest.Config {
	return loadtest.Config{Workers: 16, Retries: 1 << 20, Timeout: 15 * time.Second}
}

// startTrial puts the replicas under load. databaseURL is what their table is
// read from at the end.
func startTrial(t *testing.T, rs *replicas, databaseURL string, config loadtest.Config) *trial {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	tr := &trial{replicas: rs, url: databaseURL, rng: rand.New(rand.NewPCG(seed, 0)), begun: time.Now(), count: map[string]int{}}
	if config.URLs == nil {
		config.URLs = rs.urls()
	}
	config.Seed = seed
	load, err := nemesis.Start(context.WithoutCancel(t.Context()), config)
	if err != nil {
		t.Fatal(err)
	}
	tr.load = load
	tr.progress()
	return tr
}

// progress waits until requests that are sent from now on are answered.
func (tr *trial) progress() {
	tr.t.Helper()
	target := tr.load.Answered() + 64 // more than are under way
	eventually(tr.t, "requests are answered", func() bool { return tr.load.Answered() >= target })
}

// pause lets the load run until a random moment.
func (tr *trial) pause(longest time.Duration) {
	time.Sleep(time.Duration(tr.rng.Int64N(int64(longest))))
}

// pick is a random replica.
func (tr *trial) pick() int { return tr.rng.IntN(len(tr.members)) }

func (tr *trial) fault(name string) { tr.count[name]++ }

// finish ends the load and judges all of it: by the client's verifier, and by
// comparing every operation with the table. It prints both, and keeps the
// history where something is wrong.
func (tr *trial) finish() *nemesis.Outcome {
	t := tr.t
	t.Helper()
	stopped := make(chan *nemesis.Outcome, 1)
	go func() { stopped <- tr.load.Stop() }()
	var o *nemesis.Outcome
	select {
	case o = <-stopped:
	case <-time.After(2 * patience):
		t.Fatal("requests are still under way long after the last fault")
	}
	table, err := nemesis.ReadTable(t.Context(), tr.url)
	if err != nil {
		t.Fatal(err)
	}
	wrong := nemesis.Compare(slices.Concat(o.Operations, tr.probes), table)

	var faults []string
	for name, n := range tr.count {
		faults = append(faults, fmt.Sprint(n, " × ", name))
	}
	slices.Sort(faults)
	t.Logf("%.1f s; faults: %s; verdict: %s; %d requests: %d ok, %d failed, %d unknown, %d retries; slowest %.0f ms; table: %d rows, %d differences",
		time.Since(tr.begun).Seconds(), strings.Join(faults, ", "), o.Verdict.Status,
		o.Run.Sent, o.Run.OK, o.Run.Failed, o.Run.Unknown, o.Run.Retried, o.Run.Latency.Max, len(table), len(wrong))

	if o.Verdict.Status != verify.Verified {
		t.Errorf("verdict: %s %q", o.Verdict.Status, o.Verdict.Reasons)
		for _, c := range o.Verdict.Checks {
			if len(c.Worst) > 0 {
				t.Errorf("%v: %d violations, the worst: %s", c.Check, c.Violations, c.Worst[0].Why)
			}
		}
	}
	for _, w := range wrong[:min(10, len(wrong))] {
		t.Error("table: " + w)
	}
	if t.Failed() {
		if err := o.WriteHistory(filepath.Join(t.ArtifactDir(), "history.jsonl")); err != nil {
			t.Error(err)
		}
	}
	return o
}

// finishUnharmed is finish for a run in which no request may fail.
func (tr *trial) finishUnharmed() {
	tr.t.Helper()
	o := tr.finish()
	if o.Run.Failed+o.Run.Unknown > 0 {
		tr.t.Errorf("%d requests failed and %d are unknown, want none: %v", o.Run.Failed, o.Run.Unknown, o.Run.Failures)
	}
}

// probe sends one message to replica i and returns the answer, which must come
// within limit. It is judged with the others.
func (tr *trial) probe(i int, limit time.Duration) response {
	tr.t.Helper()
	tr.probes = append(tr.probes, nil)
	op := &verify.Operation{Sender: "probe", Text: fmt.Sprintf("probe %d of replica %d", len(tr.probes), i+1)}
	tr.probes[len(tr.probes)-1] = op
	began := time.Now()
	r, err := post(tr.t.Context(), tr.members[i].URL(), op.Sender, op.Text, "")
	if took := time.Since(began); err != nil || took > limit {
		tr.t.Errorf("the answer of replica %d took %v, want %v at most (error: %v)", i+1, took, limit, err)
	}
	switch {
	case err != nil:
	case r.status == http.StatusOK:
		op.Outcome = verify.OK
		window, err := r.window()
		if err != nil {
			tr.t.Error(err)
		}
		for _, m := range window {
			at, err := time.Parse(wireDate, m.SentAt)
			if err != nil {
				tr.t.Error(err)
			}
			op.Window = append(op.Window, &verify.Entry{Seq: m.Seq, Sender: m.Sender, SenderCount: m.SenderCount, Text: m.Text, SentAt: at.UnixMicro()})
		}
	case r.problem(tr.t).Outcome == "not_stored":
		op.Outcome = verify.Failed
	}
	return r
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
