package verify

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// A Status is what a verdict comes to.
type Status uint8

const (
	Verified     Status = iota // every check that could be made holds
	Violated                   // at least one does not
	Inconclusive               // none is broken, but the run could not have shown a fault
)

var statusNames = [...]string{Verified: "verified", Violated: "violated", Inconclusive: "inconclusive"}

func (s Status) String() string { return statusNames[s] }

// MarshalText writes the status's name.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads it.
func (s *Status) UnmarshalText(text []byte) error {
	i := slices.Index(statusNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("%q is no verdict", text)
	}
	*s = Status(i)
	return nil
}

// A Verdict is what a run has shown.
type Verdict struct {
	Status  Status     `json:"status"`
	Reasons []Sentence `json:"reasons,omitempty"` // why it is inconclusive

	// Causes are what is wrong with the list of replicas, and explains all
	// else: different logs are a violation, and one server listed as several
	// leaves the run inconclusive.
	Causes []Sentence `json:"causes,omitempty"`

	// CounterExample is the one violation to look at first, nil if there is none.
	CounterExample *Violation `json:"counter_example,omitempty"`

	Checks []CheckResult `json:"checks"` // one for each Check, in the order of the table
	Counts Counts        `json:"counts"`

	OtherWriters bool `json:"other_writers,omitempty"` // others wrote to the log during the run
	CutOff       bool `json:"cut_off,omitempty"`       // the history ends before its end
}

// A CheckResult is what one check saw and found.
type CheckResult struct {
	Check      Check       `json:"check"`
	Saw        int64       `json:"saw"`
	Unit       string      `json:"unit"` // of Saw, in the plural: "windows", "entries cross-checked" …
	Violations int64       `json:"violations"`
	Worst      []Violation `json:"worst,omitempty"` // up to eight, the worst first

	// NotCheckable says why the check could not be made; then it has not
	// passed either. Limit says which part of it could not be made.
	NotCheckable Sentence `json:"not_checkable,omitzero"`
	Limit        Sentence `json:"limit,omitzero"`
}

// Counts says what became of the requests. Sent = OK + Failed + Unknown, and
// Unknown = Stored + NotStored + Unsettled. Sentinels are not among them.
type Counts struct {
	Sent    int64 `json:"sent"`
	OK      int64 `json:"ok"`
	Failed  int64 `json:"failed"`
	Unknown int64 `json:"unknown"`

	Stored    int64 `json:"stored"`     // unknown at first, then shown by some answer
	NotStored int64 `json:"not_stored"` // unknown at first, and certainly not in the log
	Unsettled int64 `json:"unsettled"`  // unknown for good

	Sentinels int64 `json:"sentinels"`
	Others    int64 `json:"others"` // messages in the log that are not of this run, as far as seen

	// Neighbours are neighbouring seqs that different replicas acknowledged; 0
	// if one of them was listed as several.
	Neighbours int64 `json:"neighbours"`
}

// Verdict judges the run after all its operations have returned. Nothing may
// return after it.
func (v *Verifier) Verdict() *Verdict {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.verdict != nil {
		return v.verdict
	}
	if v.positions != nil {
		v.positions.release()
	}
	v.walkTo(math.MaxInt64)
	for _, r := range slices.SortedFunc(maps.Keys(v.unsent), func(a, b ref) int {
		return cmp.Or(cmp.Compare(v.unsent[a], v.unsent[b]), cmp.Compare(a.worker, b.worker), cmp.Compare(a.number, b.number))
	}) {
		seq := v.unsent[r]
		if v.gone >= int64(len(v.unsent)) || v.gone != 0 && r.number == v.worker(r.worker).last+1 {
			continue // its line is gone, or it was under way where the history was cut off
		}
		v.neverSent(r, seq)
	}
	notStored := v.settle()
	v.verdict = v.sum(notStored)
	return v.verdict
}

// sum puts the verdict together when all has been found.
func (v *Verifier) sum(notStored int64) *Verdict {
	t := &v.tally
	inFlight := int64(0)
	for _, w := range v.workers {
		for _, rec := range w.ops.between(0, int64(w.last)) {
			if rec.is(sent) && !rec.is(returned) && !rec.is(sentinel) {
				inFlight++
				if rec.seq != 0 {
					t.stored++
				}
			}
		}
	}
	unknown := t.unknown + inFlight
	d := &Verdict{
		Counts: Counts{
			Sent: t.sent + inFlight, OK: t.ok, Failed: t.failed, Unknown: unknown,
			Stored: t.stored, NotStored: notStored, Unsettled: unknown - t.stored - notStored,
			Sentinels: t.sentinels, Others: t.others, Neighbours: t.neighbours,
		},
		OtherWriters: v.walk.others,
		CutOff:       v.gone != 0,
	}
	for c := range numChecks {
		not, limit := v.limits(c)
		res := v.results[c]
		if res.count > 0 {
			d.Status = Violated
			not = Sentence{} // what was seen was enough
		}
		v.refresh(&res)
		d.Checks = append(d.Checks, CheckResult{
			Check: c, Saw: v.saw(c), Unit: Plural(c.Unit()), Violations: res.count, Worst: res.worst, NotCheckable: not, Limit: limit,
		})
	}
	for _, c := range telling {
		if first := v.results[c].first; first != nil {
			d.CounterExample = first
			break
		}
	}
	one, logs := v.identities.OneServer(v.cfg.Replicas), v.identities.SeveralLogs(v.cfg.Replicas)
	d.Causes = slices.Concat(logs, one)
	if logs != nil {
		d.Status = Violated
	}
	if d.Reasons = v.inconclusive(); d.Status == Verified && (d.Reasons != nil || one != nil) {
		d.Status = Inconclusive
	}
	if one != nil {
		d.Counts.Neighbours = 0
	}
	return d
}

// telling are the checks in the order in which their counter-examples explain
// a fault best: first what names a cause, last what follows from others.
var telling = [numChecks]Check{
	ExactlyOnce, AbortedRead, GarbageRead, FutureRead, Duplicate, LostWrite, Contiguous, RealTimeOrder,
	Counters, Agreement, Dates, InternalConsistency,
}

// saw is how much a check has seen.
func (v *Verifier) saw(c Check) int64 {
	t := &v.tally
	switch c {
	case InternalConsistency, Contiguous, FutureRead:
		return t.windows
	case Agreement:
		return t.crossChecked
	case Duplicate:
		return t.acknowledged
	case LostWrite:
		return t.expected
	case RealTimeOrder:
		return t.ordered
	case Counters:
		return t.counted
	case Dates:
		return t.dated
	case AbortedRead:
		return t.failed
	case GarbageRead:
		return t.compared
	case ExactlyOnce:
		return t.repeated
	}
	panic("verify: no such check")
}

// limits says why a check could not be made, or which part of it.
func (v *Verifier) limits(c Check) (notCheckable, limit Sentence) {
	missing := v.cfg.Missing
	switch {
	case missing.Has(Text) && (c == GarbageRead || c == AbortedRead || c == LostWrite && missing.Has(Seq)):
		return say("the answers show no text, so that no message can be recognised"), Sentence{}
	case missing.Has(SenderCount) && c == Counters:
		return say("the answers show no sender_count"), Sentence{}
	case missing.Has(Sender) && c == Counters && v.walk.others:
		return say("the answers show no sender, and others, who wrote to the log too, may have used any"), Sentence{}
	case missing.Has(SentAt) && c == Dates:
		return say("the answers show no sent_at"), Sentence{}
	case c == Contiguous && v.tally.unexplained > 0:
		if missing.Has(Text) {
			return say("%s that no window shows may be other writers', which cannot be told without texts", Quantity{v.tally.unexplained, "place"}), Sentence{}
		}
		return say("others wrote to the log too, and %s that no window shows may be theirs", Quantity{v.tally.unexplained, "place"}), Sentence{}
	}
	var limits []Sentence
	if n := len(v.walk.seams); n > 0 && (c == Contiguous || c == Counters) {
		limits = append(limits, say("the windows join to %d stretches of log; what lies between them was not seen", n+1))
	}
	if n := v.unordered(); n > 0 && (c == Counters || c == Dates) {
		limits = append(limits, say("not checkable across %s between stretches, since real time leaves open which comes first", Quantity{n, "seam"}))
	}
	if missing.Has(Text) && (c == InternalConsistency || c == Duplicate || c == ExactlyOnce || c == FutureRead) {
		limits = append(limits, say("the answers show no text: whose a message is, is told by its seq only"))
	}
	if missing.Has(Sender) && (c == InternalConsistency || c == GarbageRead) {
		limits = append(limits, say("the answers show no sender"))
	}
	if missing.Has(Seq) && (c == Contiguous || c == Agreement || c == Duplicate || c == RealTimeOrder || c == Counters || c == Dates) {
		limits = append(limits, say("the answers show no seq: places in the log are inferred from how the windows overlap"))
	}
	if c == Counters && v.walk.lowest > 1 {
		limits = append(limits, say("the log was not empty: each sender's counter is checked from its first known value on"))
	}
	if c == Dates && v.cfg.Start == 0 {
		limits = append(limits, say("the run's start is unknown: dates are not compared with the operations' times"))
	}
	return Sentence{}, list(limits)
}

// unordered is how many seams there are whose sides may be the other way round.
func (v *Verifier) unordered() (n int64) {
	for _, ordered := range v.walk.seams {
		if !ordered {
			n++
		}
	}
	return n
}

// inconclusive says why the run could not have shown a fault.
func (v *Verifier) inconclusive() []Sentence {
	var reasons []Sentence
	t := &v.tally
	if t.ok < int64(v.cfg.MinOperations) {
		reasons = append(reasons, say("too few operations: %d answered, at least %d are needed", t.ok, v.cfg.MinOperations))
	}
	if t.overlaps == 0 && !v.overlap() {
		reasons = append(reasons, say("no two operations were under way at the same time"))
	}
	for i, name := range v.cfg.Replicas {
		if t.perReplica[i] == 0 {
			reasons = append(reasons, say("replica %d (%s) answered nothing", i+1, name))
		}
	}
	var idle []string
	for _, name := range v.cfg.Senders {
		if i, ok := v.senders[name]; !ok || t.perSender[i] == 0 {
			idle = append(idle, name)
		}
	}
	if idle != nil {
		reasons = append(reasons, say("%s of %d got nothing stored: %s", Quantity{int64(len(idle)), "sender"}, len(v.cfg.Senders), abridge(idle)))
	}
	if len(v.cfg.Replicas) > 1 && t.neighbours == 0 {
		reasons = append(reasons, say("no neighbouring seqs come from different replicas"))
	}
	return reasons
}

// overlap tells whether any two operations were under way at the same time.
// The tally notices that where they come in the order of their returns, as they
// nearly do; a stored history may be in any order.
func (v *Verifier) overlap() bool {
	var all []*record
	for _, w := range v.workers {
		for _, rec := range w.ops.between(0, int64(w.last)) {
			if rec.is(returned) && !rec.is(sentinel) {
				all = append(all, rec)
			}
		}
	}
	slices.SortFunc(all, func(a, b *record) int { return cmp.Compare(a.call, b.call) })
	latest := time.Duration(math.MinInt64)
	for _, rec := range all {
		if rec.call < latest {
			return true
		}
		latest = max(latest, rec.ret)
	}
	return false
}

// abridge lists the first few of names.
func abridge(names []string) string {
	if len(names) > 5 {
		names = append(slices.Clone(names[:5]), "…")
	}
	return strings.Join(names, ", ")
}
