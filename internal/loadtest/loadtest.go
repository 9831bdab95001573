// Package loadtest sends messages to replicas and records what came of each.
package loadtest

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"dummymessenger/internal/measure"
	"dummymessenger/internal/messenger"
	"dummymessenger/internal/verify"
)

// A Config describes a run.
type Config struct {
	URLs    []string // of the replicas: scheme, host and base path
	Profile *Profile // Native if nil
	Senders []string // DefaultSenders if empty
	Seed    uint64   // repeats the choices of sender, text and replica; nothing else

	Workers  int           // each has one request under way at a time; 50 if 0
	Requests int           // in total, shared out evenly; no limit if 0
	Duration time.Duration // of the measured part; no limit if 0
	Warmup   time.Duration // requests sent before it are verified, not measured

	// Rate is how many requests per second are due, whether the servers keep
	// up or not (an open loop), at most Workers of them under way at once. If
	// it is 0 each worker sends when its last request is answered (closed).
	Rate float64

	Timeout time.Duration // of each try; 30 s if 0
	Retries int           // tries after the first, under one idempotency key
	Replays int           // with Retries: one in so many answered requests is sent once more, to compare; 0: none
	Stream  bool          // memory does not grow with the number of requests

	ClockAllowance time.Duration // how far the servers' clock may be from ours; verify.DefaultClockAllowance if 0

	Token   string         // bearer token sent with every request; none if empty
	RootCAs *x509.CertPool // who may vouch for https servers; the system's if nil

	// Warn is told, early in the run and once of each, that two URLs lead to one
	// server, or to servers of different logs. nil: nobody is.
	Warn func(verify.Sentence)

	Unverified bool // windows are not even decoded, and no sentinels are sent
	Trace      bool // keep what plots show; see Test.Figures
}

func (c *Config) normalise() error {
	c.Profile = cmp.Or(c.Profile, Native())
	c.Workers = cmp.Or(c.Workers, 50)
	c.Timeout = cmp.Or(c.Timeout, 30*time.Second)
	c.ClockAllowance = cmp.Or(c.ClockAllowance, verify.DefaultClockAllowance)
	if len(c.Senders) == 0 {
		c.Senders = DefaultSenders
	}
	c.Senders = slices.Clone(c.Senders)
	for i, sender := range c.Senders {
		draft, err := messenger.NewDraft(sender, "x")
		if err != nil {
			return fmt.Errorf("sender %q: %w", sender, err)
		}
		c.Senders[i] = draft.Sender // as it will come back
	}
	switch {
	case len(c.URLs) == 0:
		return errors.New("no URL of a server given")
	case c.Workers < 0 || c.Requests < 0 || c.Duration < 0 || c.Warmup < 0 || c.Rate < 0 || c.Timeout < 0 || c.Retries < 0 || c.Replays < 0 || c.ClockAllowance < 0:
		return errors.New("numbers and durations cannot be negative")
	case c.Workers > maxWorkers:
		return fmt.Errorf("%d workers are too many; %d is the most, each with a connection to each server", c.Workers, maxWorkers)
	case !(c.Rate <= maxRate): // or no number at all
		return fmt.Errorf("a rate of %g per second is none; %g is the most", c.Rate, float64(maxRate))
	case c.Requests == 0 && c.Duration == 0:
		return errors.New("the run has no end: limit the requests or the duration")
	}
	return nil
}

// keys reports whether every request has an idempotency key.
func (c *Config) keys() bool { return c.Retries > 0 && c.Profile.IdempotencyKey }

const (
	maxWorkers = 100_000 // more than there are ports to connect from
	maxRate    = 1e9     // per second: the clock's resolution
)

// A Test is one run, from the first connection to the last sentinel.
type Test struct {
	config   Config
	run      string // its ID
	targets  []*target
	decoder  *decoder
	verifier *verify.Verifier // nil if Unverified
	figures  *measure.Recorder
	record   func(*verify.Operation)

	base     time.Time     // all operations' times count from here
	begin    time.Duration // when the workers start; set by Run
	workers  []*worker
	arrivals arrivals    // of an open loop
	stopped  atomic.Bool // nothing more is to be begun

	connections, inFlight atomic.Int64
	unreplayed, dropped   atomic.Int64
	servers               *servers
	details               sync.Map // of each reason that has any, what the first such answer was
}

// New prepares a run. Its errors are mistakes in c.
func New(c Config) (*Test, error) {
	if err := c.normalise(); err != nil {
		return nil, err
	}
	t := &Test{
		config: c, run: runID(), base: time.Now(), decoder: newDecoder(c.Profile),
		servers: newServers(&c), figures: measure.NewRecorder(measure.Config{Callers: c.Workers, Bounded: c.Stream, Trace: c.Trace}),
	}
	listed := map[string]string{}
	for i, raw := range c.URLs {
		target, err := newTarget(raw, c.Profile.Path)
		if err != nil {
			return nil, err
		}
		if twice, ok := listed[target.server]; ok {
			return nil, fmt.Errorf("%s and %s are one server; list each replica once", twice, raw)
		}
		listed[target.server] = raw
		target.token = c.Token
		target.meet = func(field string) *verify.Identity { return t.servers.meet(i, field) }
		if target.tls != nil {
			target.tls.RootCAs = c.RootCAs
		}
		t.targets = append(t.targets, target)
	}
	for i := range c.Workers {
		quota := -1 // no limit
		if c.Requests > 0 {
			quota = c.Requests / c.Workers
			if i < c.Requests%c.Workers {
				quota++
			}
		}
		t.workers = append(t.workers, newWorker(t, i, quota))
	}
	if !c.Unverified {
		t.verifier = verify.New(t.VerifyConfig())
	}
	return t, nil
}

// runID is new for each run, even with an equal seed: the texts of two runs on
// one log must differ.
func runID() string {
	return rand.Text()[:12] // 60 bits
}

// VerifyConfig is what a verifier must know of the run, now or later.
func (t *Test) VerifyConfig() verify.Config {
	return verify.Config{
		Run:      t.run,
		Workers:  t.config.Workers,
		Replicas: t.config.URLs,
		Senders:  t.config.Senders,
		Start:    t.base.UnixMicro(),
		Missing:  t.config.Profile.missing(),
		Stream:   t.config.Stream,
		AnyStart: *t.config.Profile != *Native(),

		ClockAllowance: t.config.ClockAllowance,
	}
}

// Verifier judges the run while it goes on; nil if the Config says Unverified.
func (t *Test) Verifier() *verify.Verifier { return t.verifier }

// Figures measures the run while it goes on.
func (t *Test) Figures() *measure.Recorder { return t.figures }

// Connect opens the connections, one for each worker and replica. Its error says
// that no replica takes any. If some do, requests will meet the errors of the
// others and count them.
func (t *Test) Connect() error {
	deadline := time.Now().Add(min(t.config.Timeout, 5*time.Second))
	var failed atomic.Pointer[sendError]
	var wg sync.WaitGroup
	for _, w := range t.workers {
		for _, c := range w.conns {
			wg.Go(func() {
				if err := c.connect(time.Now(), deadline); err != nil {
					failed.Store(&sendError{reason: dialReason(err), unsent: true})
				}
			})
		}
	}
	wg.Wait()
	if err := failed.Load(); err != nil && t.connections.Load() == 0 {
		return err
	}
	return nil
}

// Run sends everything. When ctx ends it sends nothing more, waits for the
// requests under way and returns what there is. If record is not nil it is
// called with each operation that has ended, by many goroutines.
//
// At the end, and without regard to ctx, sentinels show the verifier what
// became of requests whose outcome is unknown.
//
// Each operation is recorded before the verifier learns how it ended, so that
// its Floor holds for all that is recorded later.
//
// The connections are opened before the clock starts, if Connect has not opened
// them yet, so that the figures are the servers' and not the handshakes'. One
// that has to be opened later is part of its request's time.
func (t *Test) Run(ctx context.Context, record func(*verify.Operation)) measure.Run {
	t.record = record
	_ = t.Connect() // the requests will tell

	var wg sync.WaitGroup
	started, cpu := time.Now(), cpuTime()
	t.begin = started.Sub(t.base)
	t.figures.MeasureFrom(t.begin + t.config.Warmup)
	for _, w := range t.workers {
		wg.Go(func() { w.work(ctx) })
	}
	wg.Wait()
	elapsed := time.Since(started)
	cpu = cpuTime() - cpu

	r := t.figures.Run(t.asked())
	for i := range r.Replicas {
		r.Replicas[i].Servers = t.servers.seen(i)
	}
	for i := range r.Failures {
		if detail, ok := t.details.Load(r.Failures[i].Reason); ok {
			r.Failures[i].First = detail.(string)
		}
	}
	r.Started, r.Interrupted = started.UTC(), ctx.Err() != nil
	r.Dropped, r.Unreplayed = t.dropped.Load(), t.unreplayed.Load()
	r.Generator.CPU, r.Generator.CPUs = cpu.Seconds()/elapsed.Seconds(), runtime.GOMAXPROCS(0)
	r.Generator.Connections = t.connections.Load()
	if t.verifier != nil {
		t.settle(context.WithoutCancel(ctx))
	}
	return r
}

// Stop lets Run begin no further request. Those under way get all their tries,
// which they do not when Run's ctx ends.
func (t *Test) Stop() { t.stopped.Store(true) }

// asked is what the run is to do.
func (t *Test) asked() measure.Run {
	c := &t.config
	r := measure.Run{
		ID: t.run, Seed: c.Seed, Workers: c.Workers, Planned: int64(c.Requests), Rate: c.Rate, Retries: c.Retries,
		Duration: c.Duration.Seconds(), Timeout: c.Timeout.Seconds(), Warmup: c.Warmup.Seconds(), ClockAllowance: c.ClockAllowance.Seconds(),
		Keys: c.keys(), Unverified: c.Unverified, Stream: c.Stream, Profile: c.Profile.print(), Token: c.Token != "",
	}
	if r.Keys && !r.Unverified {
		r.Replays = c.Replays
	}
	for _, url := range c.URLs {
		r.Replicas = append(r.Replicas, measure.Replica{URL: url})
	}
	for _, name := range c.Senders {
		r.Senders = append(r.Senders, measure.Sender{Name: name})
	}
	return r
}

// over reports whether a run of limited duration has ended at a moment.
func (t *Test) over(at time.Duration) bool {
	return t.config.Duration > 0 && at >= t.begin+t.config.Warmup+t.config.Duration
}

// now is the time on the operations' clock.
func (t *Test) now() time.Duration { return time.Since(t.base) }

// A Snapshot is how far a run has got.
type Snapshot struct {
	measure.Snapshot
	InFlight int64 // requests under way now, measured or not
}

// Snapshot may be called at any time. It costs next to nothing.
func (t *Test) Snapshot() Snapshot { return Snapshot{t.figures.Snapshot(), t.inFlight.Load()} }
