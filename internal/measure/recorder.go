package measure

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"dummymessenger/internal/verify"
)

// A Config describes what a Recorder is to keep.
type Config struct {
	Bounded bool // memory does not grow with the run: percentiles come from histograms at once
	Trace   bool // keep a sample of the operations for the plots
}

// A Recorder adds up the operations of a run, live or stored. Its methods may
// be called concurrently.
type Recorder struct {
	mu    sync.Mutex
	tally tally
}

// NewRecorder returns a Recorder that measures all operations, unless
// MeasureFrom says otherwise.
func NewRecorder(c Config) *Recorder {
	r := &Recorder{tally: tally{
		from: math.MinInt64, bounded: c.Bounded, failures: map[cause]map[string]int64{}, senders: map[string][]int64{},
	}}
	if c.Trace {
		r.tally.trace = newTrace()
	}
	return r
}

// MeasureFrom ends the warm-up: operations due earlier are not measured. It
// must be called before the first Add.
func (r *Recorder) MeasureFrom(due time.Duration) { r.tally.from = due }

// Measures reports whether an operation that is due then counts, or is part of
// the warm-up.
func (r *Recorder) Measures(due time.Duration) bool { return due >= r.tally.from }

// Add takes an operation that has returned. It was due when the load asked for
// it: at its Call, unless the run had a rate and all workers were busy. Sentinels
// are no part of the load and are ignored.
func (r *Recorder) Add(op *verify.Operation, due time.Duration) {
	if op.Sentinel {
		return
	}
	m := Mark{
		Call: op.Call, Return: op.Return, Worker: op.Worker, Number: op.Number, Replica: op.Replica,
		Outcome: op.Outcome, Sender: op.Sender, Reason: op.Reason,
	}
	if r.tally.trace != nil {
		m.Seq = ownSeq(op)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tally.retried += int64(max(0, op.Tries-1))
	if op.Replay != nil {
		r.tally.replayed++
	}
	r.tally.add(&m, due)
}

// current locks and returns the tally of all operations added so far.
func (r *Recorder) current() *tally {
	r.mu.Lock()
	r.tally.bound(0)
	return &r.tally
}

// A Snapshot is how far a run has got.
type Snapshot struct {
	OK, Failed, Unknown int64     // measured operations that have ended
	ByReplica           []Answers // the last replicas may be missing if they have none
}

// Answers are what a replica has given so far.
type Answers struct {
	OK      int64
	Trouble string // why the latest operation that is not OK is not; "" if all are
}

// Snapshot may be called at any time. It costs next to nothing.
func (r *Recorder) Snapshot() (s Snapshot) {
	t := r.current()
	defer r.mu.Unlock()
	for _, n := range t.replicas {
		s.ByReplica = append(s.ByReplica, Answers{n.OK, n.trouble})
		s.OK += n.OK
		s.Failed += n.Failed
		s.Unknown += n.Unknown
	}
	return s
}

// Waits returns the median and the 99th percentile of what the callers of
// answered requests have waited so far, in milliseconds.
func (r *Recorder) Waits() (p50, p99 float64) {
	t := r.current()
	defer r.mu.Unlock()
	if h := t.responses.distribution(); h != nil {
		p50, p99 = float64(h.ValueAtQuantile(50))/1000, float64(h.ValueAtQuantile(99))/1000
	}
	return p50, p99
}

// Trace returns what the plots show, nil unless the Config asked for it. Nothing
// may be added after it.
func (r *Recorder) Trace() *Trace {
	t := r.current()
	defer r.mu.Unlock()
	if t.trace != nil {
		t.trace.Senders, t.trace.Waits, t.trace.WaitsAt = t.senders, t.responses.distribution(), nil
		for i := range t.replicas {
			t.trace.WaitsAt = append(t.trace.WaitsAt, t.replicas[i].responses.distribution())
		}
	}
	return t.trace
}

// Stored returns the figures of a run whose history was read back. They are those
// of the live run, except that a history does not hold
//
//   - when sending began: the first call stands for it;
//   - the warm-up: it is measured like the rest;
//   - when requests were due: Latency counts from the call, and none is late;
//   - what became of replays that got no good answer, and of dropped requests;
//   - what bad answers said, and who answered tries before the last;
//   - the client's own load, except its Concurrency;
//   - what was asked, except what the verdict depends on.
func (r *Recorder) Stored(c verify.Config) Run {
	asked := Run{ID: c.Run, Workers: c.Workers, Stream: c.Stream, ClockAllowance: c.ClockAllowance.Seconds()}
	for _, url := range c.Replicas {
		asked.Replicas = append(asked.Replicas, Replica{URL: url})
	}
	for _, name := range c.Senders {
		asked.Senders = append(asked.Senders, Sender{Name: name})
	}
	t := r.current()
	if c.Start != 0 {
		asked.Started = time.UnixMicro(c.Start).Add(t.first).UTC()
	}
	t.bounded = t.bounded || c.Stream // the live run's figures come from histograms
	r.mu.Unlock()
	return r.Run(asked)
}

// Run adds what was measured to run, which holds what was asked, with the names
// of replicas and senders as far as they are known.
func (r *Recorder) Run(run Run) Run {
	t := r.current()
	defer r.mu.Unlock()
	run.Retried, run.Replayed, run.Late = t.retried, t.replayed, t.late
	run.Total = (t.last - t.first).Seconds()
	run.Replicas = slices.Clone(run.Replicas)
	for len(run.Replicas) < len(t.replicas) {
		run.Replicas = append(run.Replicas, Replica{})
	}
	for i := range run.Replicas {
		to := &run.Replicas[i]
		to.URL = cmp.Or(to.URL, fmt.Sprintf("replica %d", i+1))
		if i < len(t.replicas) {
			n := &t.replicas[i]
			to.OK, to.Failed, to.Unknown, to.Latency = n.OK, n.Failed, n.Unknown, n.responses.summary()
		}
		to.Throughput = perSecond(to.OK, run.Total)
		run.OK += to.OK
		run.Failed += to.Failed
		run.Unknown += to.Unknown
	}
	run.Sent = run.OK + run.Failed + run.Unknown
	run.Throughput = perSecond(run.OK, run.Total)
	run.Senders, run.Failures = t.bySender(run.Senders), t.byReason()

	run.Latency = t.responses.summary()
	service := t.services.summary()
	run.Generator.Concurrency = run.Throughput * service.Mean / 1000
	if run.Rate > 0 {
		run.Service = &service
	}
	if refused := t.refused.summary(); refused.Count > 0 {
		run.Refused = &refused
	}
	return run
}

func perSecond(n int64, seconds float64) float64 {
	if seconds == 0 {
		return 0
	}
	return float64(n) / seconds
}

// A tally is all that was added up so far.
type tally struct {
	from    time.Duration // what was due earlier is warm-up
	bounded bool          // latencies are in histograms only
	trace   *Trace        // nil if the Config says so

	begun             bool          // something was measured
	first, last       time.Duration // the first call, the last return
	late              int64
	retried, replayed int64                      // warm-up included
	replicas          []replicaTally             // those that are missing have nothing
	senders           map[string][]int64         // answered, by replica
	failures          map[cause]map[string]int64 // by sender
	responses         latencies                  // of answered operations, from when they were due
	services          latencies                  // of the same, from when they were sent
	refused           latencies                  // of failed ones, from when they were sent
}

// A cause is why an operation is not OK.
type cause struct {
	outcome verify.Outcome
	reason  string
}

type replicaTally struct {
	Replica   // counts only
	responses latencies
	trouble   string // see Answers
}

// lateAfter is how much after its time an operation counts as late.
const lateAfter = time.Millisecond

// add adds an operation to all but retried and replayed.
func (t *tally) add(m *Mark, due time.Duration) {
	if t.trace != nil {
		t.trace.add(m)
	}
	if due < t.from {
		return
	}
	defer t.bound(keptLatencies)
	if !t.begun {
		t.begun, t.first, t.last = true, m.Call, m.Return
	}
	t.first, t.last = min(t.first, m.Call), max(t.last, m.Return)
	if m.Call-due > lateAfter {
		t.late++
	}
	for len(t.replicas) <= m.Replica {
		t.replicas = append(t.replicas, replicaTally{})
	}
	replica := &t.replicas[m.Replica]
	if m.Outcome == verify.OK {
		replica.OK++
		t.senders[m.Sender] = countAt(t.senders[m.Sender], m.Replica, 1)
		t.responses.add(m.Return - due)
		t.services.add(m.Return - m.Call)
		replica.responses.add(m.Return - due)
		return
	}
	replica.trouble = m.Reason
	f := cause{m.Outcome, m.Reason}
	if t.failures[f] == nil {
		t.failures[f] = map[string]int64{}
	}
	t.failures[f][m.Sender]++
	if m.Outcome == verify.Failed {
		replica.Failed++
		t.refused.add(m.Return - m.Call)
		return
	}
	replica.Unknown++
}

// bound turns latencies into histograms if there are too many of them; if the
// tally is bounded, whenever there are more than kept.
func (t *tally) bound(kept int) {
	n := len(t.responses.exact) + len(t.refused.exact)
	t.bounded = t.bounded || n > exactLimit
	if !t.bounded || n <= kept {
		return
	}
	t.responses.forget()
	t.services.forget()
	t.refused.forget()
	for i := range t.replicas {
		t.replicas[i].responses.forget()
	}
}

// bySender counts the answered operations of the senders known beforehand, in
// their order, and then those of any others by name.
func (t *tally) bySender(known []Sender) (all []Sender) {
	var names []string
	for _, s := range known {
		names = append(names, s.Name)
	}
	listed := map[string]bool{}
	for _, name := range slices.AppendSeq(names, slices.Values(slices.Sorted(maps.Keys(t.senders)))) {
		if listed[name] {
			continue
		}
		listed[name] = true
		s := Sender{Name: name}
		for _, n := range t.senders[name] {
			s.OK += n
		}
		all = append(all, s)
	}
	return all
}

// byReason lists what was not answered, the most frequent first.
func (t *tally) byReason() (all []Failure) {
	for f, senders := range t.failures {
		failure := Failure{Outcome: f.outcome.String(), Reason: f.reason}
		for _, n := range senders {
			failure.Count += n
		}
		// Few senders of many, and often: they are what it depends on.
		if 3*len(senders) <= len(t.senders) && failure.Count >= 3*int64(len(senders)) {
			failure.Senders = slices.Sorted(maps.Keys(senders))
		}
		all = append(all, failure)
	}
	slices.SortFunc(all, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Reason, b.Reason))
	})
	return all
}
