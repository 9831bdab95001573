// Package loadtest sends messages to replicas, and hands each with its outcome
// to the packages that measure and verify.
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

	Workers  int           // each sends one request at a time; 50 if 0
	Requests int           // in total, shared out evenly; no limit if 0
	Duration time.Duration // of the measured part; no limit if 0
	Warmup   time.Duration // requests sent before it are verified, not measured

	// Rate is how many requests per second are due, whether the servers keep
	// up or not (an open loop), at most Workers of them at a time. If it is 0,
	// each worker sends when its last request was answered (a closed loop).
	Rate float64

	Timeout time.Duration // of each try; 30 s if 0
	Retries int           // tries after the first, under one idempotency key
	Replays int           // with Retries: one in Replays answered requests is sent again, to compare the answers; none if 0
	Stream  bool          // memory does not grow with the number of requests

	ClockAllowance time.Duration // how far the servers' clock may be from ours; verify.DefaultClockAllowance if 0

	Token   string         // bearer token sent with every request; none if empty
	RootCAs *x509.CertPool // trusted for https servers; the system's if nil

	// Warn is called early in the run, once for each pair, if two URLs lead to
	// one server or to servers of different logs. It may be nil.
	Warn func(verify.Sentence)

	Texts   string // as RequestProfile.Texts, which it overrules; "" does not
	MaxText int    // likewise; 0 does not

	Unverified bool // answers are only counted, not decoded; no sentinels are sent
	Trace      bool // the Recorder of the figures keeps a Trace
}

func (c *Config) normalise() error {
	profile := *cmp.Or(c.Profile, Native())
	profile.Request.Texts = cmp.Or(c.Texts, profile.Request.Texts, "any")
	profile.Request.MaxText = cmp.Or(c.MaxText, profile.Request.MaxText)
	c.Profile = &profile
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
	case min(c.Workers, c.Requests, c.Retries, c.Replays) < 0 || min(c.Duration, c.Warmup, c.Timeout, c.ClockAllowance) < 0 || c.Rate < 0:
		return errors.New("numbers and durations cannot be negative")
	case c.MaxText != 0 && c.MaxText < leastText:
		return fmt.Errorf("texts of at most %d characters are too short; the mark by which a message is recognised needs %d",
			c.MaxText, leastText)
	case c.Workers > maxWorkers:
		return fmt.Errorf("%d workers are too many; %d is the most, each with a connection to each server", c.Workers, maxWorkers)
	case !(c.Rate <= maxRate): // NaN included
		return fmt.Errorf("a rate of %g per second is none; %g is the most", c.Rate, float64(maxRate))
	case c.Requests == 0 && c.Duration == 0:
		return errors.New("the run has no end: limit the requests or the duration")
	}
	return nil
}

// keys reports whether requests have idempotency keys.
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
	stopped  atomic.Bool // no request may begin any more
	settling atomic.Bool // the load has ended

	connections, inFlight atomic.Int64
	unreplayed, dropped   atomic.Int64
	servers               *servers
	details               sync.Map // by reason: what the first such answer was

	readable atomic.Bool  // some answer was
	unread   atomic.Int64 // answers that were not, as long as none is
	gaveUp   atomic.Bool  // because of these

	mu     sync.Mutex // guards silent
	silent []error    // by replica: why Connect could not connect to it
}

// New prepares a run. It returns an error if c is not valid.
func New(c Config) (*Test, error) {
	if err := c.normalise(); err != nil {
		return nil, err
	}
	t := &Test{
		config: c, run: runID(), base: time.Now(), decoder: newDecoder(c.Profile),
		servers: newServers(&c), figures: measure.NewRecorder(measure.Config{Bounded: c.Stream, Trace: c.Trace}),
	}
	t.silent = make([]error, len(c.URLs))
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

// runID returns a new ID, even if the seed is the same: the texts of two runs on
// one log must differ.
func runID() string {
	return rand.Text()[:12] // 60 bits
}

// VerifyConfig returns what a verifier must know of the run.
func (t *Test) VerifyConfig() verify.Config {
	return verify.Config{
		Run:      t.run,
		Workers:  t.config.Workers,
		Replicas: t.config.URLs,
		Senders:  t.config.Senders,
		Start:    t.base.UnixMicro(),
		Missing:  t.config.Profile.Answer.missing(),
		Stream:   t.config.Stream,
		AnyStart: !t.config.Profile.native(),

		Gapless:   t.config.Profile.Answer.Gapless,
		OwnSender: t.config.Profile.Answer.Window == "sender",
		OwnCount:  t.config.Profile.Answer.OwnCount != "",

		ClockAllowance: t.config.ClockAllowance,
	}
}

// Verifier returns the judge of the run, nil if the Config says Unverified.
func (t *Test) Verifier() *verify.Verifier { return t.verifier }

// Figures returns the Recorder that measures the run.
func (t *Test) Figures() *measure.Recorder { return t.figures }

// Connect opens the connections, one for each worker and replica. It returns an
// error if no replica can be connected to. If only some cannot, Silent tells which, and
// their requests will fail and be counted.
func (t *Test) Connect() error {
	deadline := time.Now().Add(min(t.config.Timeout, 5*time.Second))
	var failed atomic.Pointer[sendError]
	var wg sync.WaitGroup
	for _, w := range t.workers {
		for i, c := range w.conns {
			wg.Go(func() {
				if err := c.connect(time.Now(), deadline); err != nil {
					reason := &sendError{reason: dialReason(err), unsent: true}
					failed.Store(reason)
					t.mu.Lock()
					t.silent[i] = reason
					t.mu.Unlock()
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

// Close closes the connections of a Test that is not run. Run closes them itself.
func (t *Test) Close() {
	for _, w := range t.workers {
		w.close()
	}
}

// Silent returns, by replica, why Connect could not connect to it; nil if it could.
func (t *Test) Silent() []error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.silent)
}

// CheckSchemes returns an error that names the first http URL at which a server
// says that it wants TLS.
func (t *Test) CheckSchemes() error {
	deadline := time.Now().Add(min(t.config.Timeout, time.Second))
	wrong := make([]bool, len(t.targets))
	var wg sync.WaitGroup
	for i, target := range t.targets {
		wg.Go(func() { wrong[i] = target.tls == nil && target.wantsTLS(deadline) })
	}
	wg.Wait()
	if i := slices.Index(wrong, true); i >= 0 {
		return fmt.Errorf("TLS is spoken there; write https:// instead of http://: %s", t.targets[i].url)
	}
	return nil
}

// Run sends everything. When ctx ends it sends nothing more, waits for the
// requests under way and returns what there is. If record is not nil it is
// called with each operation that has ended, by many goroutines.
//
// At the end, even if ctx has ended, sentinels show the verifier what became of
// requests whose outcome is unknown.
//
// Each operation is recorded before the verifier learns how it ended, so that
// the verifier's Floor holds for all operations recorded later.
//
// Connections are opened before the clock starts, so that the figures do not
// contain handshakes. One that has to be opened later is part of its request's time.
func (t *Test) Run(ctx context.Context, record func(*verify.Operation)) measure.Run {
	t.record = record
	_ = t.Connect() // if it fails, the requests report why

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
	r.GaveUp = t.gaveUp.Load()
	if t.verifier != nil && !r.GaveUp {
		t.settling.Store(true)
		t.settle(context.WithoutCancel(ctx))
	}
	return r
}

// Settling reports whether the load has ended, and sentinels are being sent.
func (t *Test) Settling() bool { return t.settling.Load() }

// Stop keeps Run from beginning further requests. Unlike the end of Run's ctx,
// it leaves those under way all their tries.
func (t *Test) Stop() { t.stopped.Store(true) }

// asked returns a Run that holds what the run was asked to do.
func (t *Test) asked() measure.Run {
	c := &t.config
	r := measure.Run{
		ID: t.run, Seed: c.Seed, Workers: c.Workers, Planned: int64(c.Requests), Rate: c.Rate, Retries: c.Retries,
		Duration: c.Duration.Seconds(), Timeout: c.Timeout.Seconds(), Warmup: c.Warmup.Seconds(),
		ClockAllowance: c.ClockAllowance.Seconds(),
		MaxText:        c.Profile.Request.MaxText,
		Keys:           c.keys(), Unverified: c.Unverified, Stream: c.Stream, Profile: c.Profile.print(), Token: c.Token != "",
	}
	if texts := c.Profile.Request.Texts; texts != "any" {
		r.Texts = texts
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

// now returns the time on the operations' clock.
func (t *Test) now() time.Duration { return time.Since(t.base) }

// InFlight returns how many requests are under way, measured or not.
func (t *Test) InFlight() int64 { return t.inFlight.Load() }
