// Package nemesis injects faults into replicas, their database and what is
// between them, keeps them under the load of the real client meanwhile, and
// judges what was answered and what is stored.
package nemesis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/measure"
	"dummymessenger/internal/verify"
)

// A Trial is replicas on one database, which was empty, under load and read by others
// while faults are injected. One goroutine uses it.
type Trial struct {
	Rand *rand.Rand // of moments and choices

	database string // URL by which the table is read at the end
	begun    time.Time
	injected []verify.Injection
	steps    uint64              // so many Next calls
	extras   []*verify.Operation // sent beside the load
	seed     uint64
	readers  *readers // nil before Begin

	load   *loadtest.Test // nil before Begin
	cancel context.CancelFunc
	ended  chan struct{} // closed when the load has ended
	run    measure.Run   // guarded by ended

	mu         sync.Mutex
	operations []*verify.Operation // of the load
}

// NewTrial is a trial without a load yet. The same seed repeats its choices, and its
// moments, which are counted in answers wherever there are any.
func NewTrial(databaseURL string, seed uint64) *Trial {
	return &Trial{
		Rand: rand.New(rand.NewPCG(seed, 0)), seed: seed, database: databaseURL, begun: time.Now(),
		ended: make(chan struct{}),
	}
}

// Begin puts the replicas that config names under load, which goes on until
// Judge or Abort, whatever becomes of ctx, and returns when it is answered.
func (tr *Trial) Begin(ctx context.Context, config loadtest.Config) (err error) {
	config.Duration = 365 * 24 * time.Hour // it has to have some end
	if tr.load, err = loadtest.New(config); err != nil {
		return err
	}
	var running context.Context
	running, tr.cancel = context.WithCancel(context.WithoutCancel(ctx))
	tr.readers = startReaders(&config, tr.seed)
	go func() {
		defer close(tr.ended)
		tr.run = tr.load.Run(running, func(op *verify.Operation) {
			tr.mu.Lock()
			defer tr.mu.Unlock()
			tr.operations = append(tr.operations, op)
		})
	}()
	return tr.Progress(ctx)
}

// Answered is how many of the load's requests have been answered with a window so far.
func (tr *Trial) Answered() int64 { return tr.load.Figures().Snapshot().OK }

// Abort ends the load, if it has begun, without further tries of what is under way.
func (tr *Trial) Abort() {
	if tr.load != nil {
		tr.cancel()
		<-tr.ended
	}
	if tr.readers != nil {
		tr.readers.end()
	}
}

// Inject breaks something. Whoever injects must mend.
func (tr *Trial) Inject(ctx context.Context, f Fault) (Mend, error) {
	tr.injected = append(tr.injected, verify.Injection{From: time.Now().UnixMicro(), Label: f.Name})
	i := len(tr.injected) - 1
	mend, err := f.Break(ctx)
	if tr.injected[i].To = time.Now().UnixMicro(); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	return func(ctx context.Context) error {
		err := mend(ctx)
		if tr.injected[i].To = time.Now().UnixMicro(); err != nil {
			return fmt.Errorf("%s, mended: %w", f.Name, err)
		}
		return nil
	}, nil
}

// Injected returns how often each fault was injected.
func (tr *Trial) Injected() (lines []string) {
	times := map[string]int{}
	for _, injected := range tr.injected {
		times[injected.Label]++
	}
	for _, name := range slices.Sorted(maps.Keys(times)) {
		lines = append(lines, fmt.Sprint(times[name], " × ", name))
	}
	return lines
}

// Next makes the moments and choices from here on those of the seed's next step,
// however many of the last one's were taken.
func (tr *Trial) Next() {
	tr.steps++
	tr.Rand = rand.New(rand.NewPCG(tr.seed, tr.steps))
}

// After waits until n further requests are answered.
func (tr *Trial) After(ctx context.Context, n int64) error {
	target := tr.Answered() + n
	if err := await(ctx, func() bool { return tr.Answered() >= target }); err != nil {
		return fmt.Errorf("requests are not answered: %w", err)
	}
	return nil
}

// Pause lets things be as they are until a random moment. It is for times in which
// nothing is answered, by which After counts.
func (tr *Trial) Pause(longest time.Duration) {
	if longest > 0 {
		time.Sleep(time.Duration(tr.Rand.Int64N(int64(longest))))
	}
}

// Progress waits until requests that are sent from now on are answered.
func (tr *Trial) Progress(ctx context.Context) error {
	return tr.After(ctx, 64) // more than are under way
}

// Extra adds an operation to those that are judged: a message that the caller sends
// beside the load. Its outcome is unknown until the caller sets another one.
func (tr *Trial) Extra(sender, text string) *verify.Operation {
	op := &verify.Operation{Sender: sender, Text: fmt.Sprintf("%s, %d", text, len(tr.extras)), Outcome: verify.Unknown}
	tr.extras = append(tr.extras, op)
	return op
}

// Extras are the operations that were sent beside the load so far.
func (tr *Trial) Extras() []*verify.Operation { return tr.extras }

// A Judgement is what a trial came to.
type Judgement struct {
	Run        measure.Run
	Verdict    *verify.Verdict
	Operations []*verify.Operation // of the load
	Wrong      []string            // what must not be, in the verdict and in the table

	summary string
}

// String is the judgement in one line.
func (j *Judgement) String() string { return j.summary }

// Judge ends the load, waits for requests under way with their retries, and judges all
// of the trial: by the client's verifier, and by comparing every operation with the table.
func (tr *Trial) Judge(ctx context.Context) (*Judgement, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tr.load.Stop()
	select {
	case <-tr.ended:
	case <-limited.Done():
	}
	if limited.Err() != nil {
		tr.Abort()
		return nil, fmt.Errorf("requests are still under way long after the last fault: %w", context.Cause(limited))
	}
	table, err := ReadTable(ctx, tr.database)
	if err != nil {
		return nil, err
	}
	shown := tr.readers.judge(limited, table)
	tr.Abort()
	run, verdict := tr.run, tr.load.Verifier().Verdict()
	wrong := append(Compare(slices.Concat(tr.operations, tr.extras), table), shown...)
	summary := fmt.Sprintf("%.0f s; %d requests: %d ok, %d failed, %d unknown, %d retries, the slowest %.0f ms; "+
		"verdict: %s; table: %d rows, %d differences", time.Since(tr.begun).Seconds(),
		run.Sent, run.OK, run.Failed, run.Unknown, run.Retried, run.Latency.Max, verdict.Status, len(table), len(wrong))
	if path, ok := strings.CutPrefix(tr.database, "sqlite:"); ok {
		if err := IntegrityCheck(path); err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	if verdict.Status != verify.Verified {
		wrong = append(wrong, fmt.Sprintf("verdict: %s %q", verdict.Status, verdict.Reasons))
		for _, c := range verdict.Checks {
			if len(c.Worst) > 0 {
				wrong = append(wrong, fmt.Sprintf("%v: %d violations, the worst: %s", c.Check, c.Violations, c.Worst[0].Why))
			}
		}
	}
	return &Judgement{run, verdict, tr.operations, wrong, summary}, nil
}

// Differences ends the load at once, without further tries of what is under way, and
// compares every operation with the table. It is for logs that no replica may show
// any more.
func (tr *Trial) Differences(ctx context.Context) ([]string, error) {
	tr.Abort()
	table, err := ReadTable(ctx, tr.database)
	if err != nil {
		return nil, err
	}
	return Compare(slices.Concat(tr.operations, tr.extras), table), nil
}

// KeepEvidence writes the history into dir, as client verify reads it, and the
// table as it is now. The load ends with it.
func (tr *Trial) KeepEvidence(ctx context.Context, dir string) error {
	if tr.load == nil {
		return nil
	}
	tr.Abort()
	err := tr.writeHistory(filepath.Join(dir, "history.jsonl"))
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

func (tr *Trial) writeHistory(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	config := tr.load.VerifyConfig()
	config.Injected = tr.injected
	recorder := verify.NewRecorder(f, config)
	ordered := slices.SortedStableFunc(slices.Values(tr.operations), func(a, b *verify.Operation) int {
		return cmp.Compare(a.Return, b.Return)
	})
	for _, op := range ordered {
		if err := recorder.Record(op); err != nil {
			return err
		}
	}
	return errors.Join(recorder.Close(), f.Close())
}
