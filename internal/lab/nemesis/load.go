package nemesis

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/measure"
	"dummymessenger/internal/verify"
)

// A Load is a run of the client that goes on until Stop.
type Load struct {
	test   *loadtest.Test
	done   chan struct{}
	run    measure.Run // guarded by done
	cancel context.CancelFunc

	mu         sync.Mutex
	operations []*verify.Operation
}

// Start begins a run.
func Start(ctx context.Context, config loadtest.Config) (*Load, error) {
	config.Duration = cmp.Or(config.Duration, 365*24*time.Hour) // it has to have some end
	test, err := loadtest.New(config)
	if err != nil {
		return nil, err
	}
	l := &Load{test: test, done: make(chan struct{})}
	ctx, l.cancel = context.WithCancel(ctx)
	go func() {
		defer close(l.done)
		l.run = test.Run(ctx, l.record)
	}()
	return l, nil
}

func (l *Load) record(op *verify.Operation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.operations = append(l.operations, op)
}

// Answered is how many requests have been answered with a window so far.
func (l *Load) Answered() int64 { return l.test.Figures().Snapshot().OK }

// Stop begins no further request, waits until those under way have ended,
// retries included, and judges the run.
func (l *Load) Stop() *Outcome {
	l.test.Stop()
	return l.outcome()
}

// Abort is Stop without further tries of what is under way.
func (l *Load) Abort() *Outcome {
	l.cancel()
	return l.outcome()
}

func (l *Load) outcome() *Outcome {
	<-l.done
	l.cancel()
	return &Outcome{
		Run:        l.run,
		Verdict:    l.test.Verifier().Verdict(),
		Operations: l.operations,
		config:     l.test.VerifyConfig(),
	}
}

// An Outcome is what a run came to, with all its operations.
type Outcome struct {
	Run        measure.Run
	Verdict    *verify.Verdict
	Operations []*verify.Operation

	config verify.Config
}

// WriteHistory keeps the run as client verify reads it.
func (o *Outcome) WriteHistory(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	recorder := verify.NewRecorder(f, o.config)
	ordered := slices.SortedStableFunc(slices.Values(o.Operations), func(a, b *verify.Operation) int {
		return int(a.Return - b.Return)
	})
	for _, op := range ordered {
		if err := recorder.Record(op); err != nil {
			return err
		}
	}
	return errors.Join(recorder.Close(), f.Close())
}
