package verify

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// A summary puts the verdict together when all has been found.
type summary struct {
	*facts
	found      *findings
	tally      *tally
	identities Identities
}

// headlines are the checks in the order in which their counter-examples explain
// a fault best: first what names a cause, last what follows from others.
var headlines = [numChecks]Check{
	ExactlyOnce, AbortedRead, GarbageRead, FutureRead, Duplicate, LostWrite, Contiguous, RealTimeOrder,
	Counters, Agreement, Dates, InternalConsistency,
}

func (s *summary) verdict(table [numChecks]checker, notStored int64) *Verdict {
	s.found.refresh()
	d := &Verdict{
		Counts:         s.counts(notStored),
		OtherWriters:   s.writers.others,
		CutOff:         s.missingOps != 0,
		CounterExample: s.counterExample(),
	}
	for c, check := range table {
		d.Checks = append(d.Checks, s.check(Check(c), check))
	}
	one, logs := s.identities.OneServer(s.cfg.Replicas), s.identities.SeveralLogs(s.cfg.Replicas)
	d.Causes = slices.Concat(logs, one)
	d.Reasons = s.inconclusive()
	switch {
	case d.CounterExample != nil || logs != nil:
		d.Status = Violated
	case d.Reasons != nil || one != nil:
		d.Status = Inconclusive
	}
	if one != nil {
		d.Counts.Neighbours = 0
	}
	return d
}

func (s *summary) counts(notStored int64) Counts {
	t := s.tally
	inFlight, stored := int64(0), t.stored
	for rec := range s.ops.all() {
		if !rec.is(returned) && !rec.is(sentinel) {
			inFlight++
			if rec.seq != 0 {
				stored++
			}
		}
	}
	unknown := t.unknown + inFlight
	return Counts{
		Sent: t.sent + inFlight, OK: t.ok, Failed: t.failed, Unknown: unknown,
		Stored: stored, NotStored: notStored, Unsettled: unknown - stored - notStored,
		Sentinels: t.sentinels, Others: s.writers.foreign, Neighbours: s.writers.neighbours,
	}
}

func (s *summary) check(c Check, made checker) CheckResult {
	res := &s.found.results[c]
	result := CheckResult{Check: c, Saw: made.seen(), Unit: Plural(rows[c].unit), Violations: res.count, Worst: res.worst}
	not, parts := made.limits()
	switch {
	case not.Form == "":
		result.Limit = list(slices.DeleteFunc(parts, func(s Sentence) bool { return s.Form == "" }))
	case res.count == 0: // else what was seen was enough
		result.NotCheckable = not
	}
	return result
}

func (s *summary) counterExample() *Violation {
	for _, c := range headlines {
		if first := s.found.results[c].first; first != nil {
			return first
		}
	}
	return nil
}

// inconclusive says why the run could not have shown a fault.
func (s *summary) inconclusive() (reasons []Sentence) {
	t := s.tally
	if t.ok < int64(s.cfg.MinOperations) {
		reasons = append(reasons, say("too few operations: %d answered, at least %d are needed", t.ok, s.cfg.MinOperations))
	}
	if t.overlaps == 0 && !s.overlap() {
		reasons = append(reasons, say("no two operations were under way at the same time"))
	}
	for i, name := range s.cfg.Replicas {
		if t.perReplica[i] == 0 {
			reasons = append(reasons, say("replica %d (%s) answered nothing", i+1, name))
		}
	}
	var idle []string
	for _, name := range s.cfg.Senders {
		if i, ok := s.texts.index[name]; !ok || t.perSender[i] == 0 {
			idle = append(idle, name)
		}
	}
	if idle != nil {
		senders := Quantity{int64(len(idle)), "sender"}
		reasons = append(reasons, say("%s of %d got nothing stored: %s", senders, len(s.cfg.Senders), abridge(idle)))
	}
	if len(s.cfg.Replicas) > 1 && s.writers.neighbours == 0 {
		reasons = append(reasons, say("no neighbouring seqs come from different replicas"))
	}
	return reasons
}

// overlap reports whether any two operations were under way at the same time.
// The tally detects that only if operations come in the order of their returns.
// They nearly do in a live run, but a stored history may be in any order.
func (s *summary) overlap() bool {
	var all []*record
	for rec := range s.ops.all() {
		if rec.is(returned) && !rec.is(sentinel) {
			all = append(all, rec)
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
