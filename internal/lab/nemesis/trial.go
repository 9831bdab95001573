// Package nemesis injects faults into replicas, their database and what is
// between them, keeps them under the load of the real client meanwhile, and
// judges what was answered and what is stored.
package nemesis

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/verify"
)

// A Trial is replicas on one database, which was empty, under load while faults
// are injected. One goroutine uses it.
type Trial struct {
	Rand *rand.Rand // of moments and choices
	*Load

	database string // URL by which the table is read at the end
	begun    time.Time
	injected map[string]int
	besides  []*verify.Operation // sent beside the load
}

// NewTrial is a trial without a load yet. The same seed repeats its moments and
// choices as far as timing allows.
func NewTrial(databaseURL string, seed uint64) *Trial {
	return &Trial{Rand: rand.New(rand.NewPCG(seed, 0)), database: databaseURL, begun: time.Now(), injected: map[string]int{}}
}

// Begin puts the replicas that config names under load, which goes on until
// Judge or Abort, whatever becomes of ctx, and returns when it is answered.
func (tr *Trial) Begin(ctx context.Context, config loadtest.Config) (err error) {
	if tr.Load, err = Start(context.WithoutCancel(ctx), config); err != nil {
		return err
	}
	return tr.Progress(ctx)
}

// Inject breaks something. Whoever injects must mend.
func (tr *Trial) Inject(ctx context.Context, f Fault) (Mend, error) {
	mend, err := f.Break(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	tr.injected[f.Name]++
	return func(ctx context.Context) error {
		if err := mend(ctx); err != nil {
			return fmt.Errorf("%s, mended: %w", f.Name, err)
		}
		return nil
	}, nil
}

// Injected returns how often each fault was injected.
func (tr *Trial) Injected() (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(tr.injected)) {
		lines = append(lines, fmt.Sprint(tr.injected[name], " × ", name))
	}
	return lines
}

// Pause lets things be as they are until a random moment.
func (tr *Trial) Pause(longest time.Duration) {
	if longest > 0 {
		time.Sleep(time.Duration(tr.Rand.Int64N(int64(longest))))
	}
}

// Progress waits until requests that are sent from now on are answered.
func (tr *Trial) Progress(ctx context.Context) error {
	target := tr.Answered() + 64 // more than are under way
	if err := await(ctx, func() bool { return tr.Answered() >= target }); err != nil {
		return fmt.Errorf("requests are not answered: %w", err)
	}
	return nil
}

// Beside adds an operation to those that are judged: a message that the caller sends
// beside the load. Its outcome is unknown until the caller sets another one.
func (tr *Trial) Beside(sender, text string) *verify.Operation {
	op := &verify.Operation{Sender: sender, Text: fmt.Sprintf("%s, %d", text, len(tr.besides)), Outcome: verify.Unknown}
	tr.besides = append(tr.besides, op)
	return op
}

// Besides are the operations that were sent beside the load so far.
func (tr *Trial) Besides() []*verify.Operation { return tr.besides }

// A Judgement is what a trial came to.
type Judgement struct {
	*Outcome
	Table []verify.Entry
	Wrong []string // what must not be, in the verdict and in the table

	summary string
}

// String is the judgement in one line.
func (j *Judgement) String() string { return j.summary }

// Judge ends the load and judges all of the trial: by the client's verifier,
// and by comparing every operation with the table.
func (tr *Trial) Judge(ctx context.Context) (*Judgement, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	stopped := make(chan *Outcome, 1)
	go func() { stopped <- tr.Stop() }()
	var o *Outcome
	select {
	case o = <-stopped:
	case <-limited.Done():
		tr.cancel()
		<-stopped
		return nil, fmt.Errorf("requests are still under way long after the last fault: %w", context.Cause(limited))
	}
	table, err := ReadTable(ctx, tr.database)
	if err != nil {
		return nil, err
	}
	j := &Judgement{Outcome: o, Table: table, Wrong: Compare(slices.Concat(o.Operations, tr.besides), table)}
	j.summary = fmt.Sprintf("%.0f s; %d requests: %d ok, %d failed, %d unknown, %d retries, the slowest %.0f ms; "+
		"verdict: %s; table: %d rows, %d differences", time.Since(tr.begun).Seconds(),
		o.Run.Sent, o.Run.OK, o.Run.Failed, o.Run.Unknown, o.Run.Retried, o.Run.Latency.Max, o.Verdict.Status, len(table), len(j.Wrong))
	if path, ok := strings.CutPrefix(tr.database, "sqlite:"); ok {
		if err := IntegrityCheck(path); err != nil {
			j.Wrong = append(j.Wrong, err.Error())
		}
	}
	if o.Verdict.Status != verify.Verified {
		j.Wrong = append(j.Wrong, fmt.Sprintf("verdict: %s %q", o.Verdict.Status, o.Verdict.Reasons))
		for _, c := range o.Verdict.Checks {
			if len(c.Worst) > 0 {
				j.Wrong = append(j.Wrong, fmt.Sprintf("%v: %d violations, the worst: %s", c.Check, c.Violations, c.Worst[0].Why))
			}
		}
	}
	return j, nil
}

// KeepEvidence writes the history into dir, as client verify reads it, and the
// table as it is now. The load ends with it.
func (tr *Trial) KeepEvidence(ctx context.Context, dir string) error {
	err := tr.Abort().WriteHistory(filepath.Join(dir, "history.jsonl"))
	table, tableErr := ReadTable(ctx, tr.database)
	if tableErr != nil {
		return errors.Join(err, tableErr)
	}
	var lines []byte
	for _, row := range table {
		lines = fmt.Appendf(lines, "%+v\n", row)
	}
	return errors.Join(err, os.WriteFile(filepath.Join(dir, "table.txt"), lines, 0o600))
}
