package verify

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// headlines are the checks in the order in which their counter-examples explain
// a fault best: first what names a cause, last what follows from others.
var headlines = [numChecks]Check{
	ExactlyOnce, AbortedRead, GarbageRead, Duplicate, FutureRead, LostWrite, Contiguous, RealTimeOrder,
	Order, Counters, Agreement, Dates, InternalConsistency,
}

// rareBelow is the part of the greatest share of violations, in what a check looks at,
// below which another check's do not explain them.
const rareBelow = 0.1

// conclude puts the verdict together when all has been found.
func (j *judge) conclude(notStored int64) *Verdict {
	j.found.refresh()
	d := &Verdict{
		Counts:         j.counts(notStored),
		OtherWriters:   j.tally.others,
		CutOff:         j.missingOps != 0,
		CounterExample: j.counterExample(),
		Notes:          j.notes(),
	}
	d.BeyondTask = d.CounterExample != nil && d.CounterExample.Check.Beyond()
	for c, check := range j.checks.table() {
		d.Checks = append(d.Checks, j.result(Check(c), check))
	}
	one, logs := j.identities.OneServer(j.cfg.Replicas), j.identities.SeveralLogs(j.cfg.Replicas)
	d.Causes = slices.Concat(logs, one)
	reasons := j.inconclusive()
	switch {
	case d.CounterExample != nil || logs != nil:
		d.Status = Violated
	case reasons != nil || one != nil:
		d.Status, d.Reasons = Inconclusive, reasons
	}
	if one != nil {
		d.Counts.Neighbours = 0
	}
	return d
}

// notes are what is worth knowing beside the verdict.
func (j *judge) notes() (notes []Sentence) {
	if j.cfg.OwnSender {
		notes = append(notes, say("answers hold messages of their own sender only, and the profile says that this is meant; "+
			"the task demands those of all senders"))
	}
	if j.found.results[Duplicate].count+j.found.results[LostWrite].count > 0 {
		return notes // these leave holes too
	}
	return append(notes, j.checks.contiguous.notes()...)
}

func (j *judge) counts(notStored int64) Counts {
	c := j.tally.Counts
	for rec := range j.ops.all() {
		if !rec.is(returned) && !rec.is(sentinel) { // still in flight
			c.Sent++
			c.Unknown++
			if rec.seq != 0 {
				c.Stored++
			}
		}
	}
	c.NotStored, c.Unsettled = notStored, c.Unknown-c.Stored-notStored
	return c
}

func (j *judge) result(c Check, check checker) CheckResult {
	res := &j.found.results[c]
	result := CheckResult{
		Check: c, Unit: Plural(c.Unit()), Violations: res.count, Worst: res.worst,
		// A place can be looked at twice: when an answer shows it, and when its message
		// is acknowledged.
		Saw: max(check.seen(), res.count),
	}
	if j.checks.consistency.seen() == 0 { // no answer showed a window: there was nothing to see anything in
		result.Saw = res.count
	}
	notCheckable, parts := check.limits()
	passedBy := check.passedBy()
	parts = slices.Insert(parts, 0, passedBy)
	switch {
	case notCheckable.Form == "":
		result.Partial = passedBy.Form != ""
		result.Limit = list(slices.DeleteFunc(parts, func(part Sentence) bool { return part.Form == "" }))
	case res.count == 0: // else what was seen was enough
		result.NotCheckable = notCheckable
	}
	return result
}

// counterExample returns the first violation of the check that explains most: of those
// that the task demands, or else of the others, the first headline that is not rare.
func (j *judge) counterExample() *Violation {
	var share [numChecks]float64 // of what it looked at that is violated
	for c, check := range j.checks.table() {
		if n := j.found.results[c].count; n > 0 {
			share[c] = float64(n) / float64(max(n, check.seen()))
		}
	}
	for _, beyond := range []bool{false, true} {
		most := 0.0
		for c := range share {
			if Check(c).Beyond() == beyond {
				most = max(most, share[c])
			}
		}
		for _, c := range headlines {
			if first := j.found.results[c].first; c.Beyond() == beyond && first != nil && share[c] >= rareBelow*most {
				return first
			}
		}
	}
	return nil
}

// inconclusive says why the run could not have shown a fault.
func (j *judge) inconclusive() (reasons []Sentence) {
	t := &j.tally
	if t.OK < int64(j.cfg.MinOperations) {
		reasons = append(reasons, say("too few operations: %d answered, at least %d are needed", t.OK, j.cfg.MinOperations))
	}
	if !t.overlap && !j.overlap() {
		reasons = append(reasons, say("no two operations were under way at the same time"))
	}
	for i, name := range j.cfg.Replicas {
		if t.perReplica[i] == 0 {
			reasons = append(reasons, say("replica %d (%s) answered nothing", i+1, name))
		}
	}
	var idle []string
	for _, name := range j.cfg.Senders {
		if i, ok := j.texts.index[name]; !ok || t.perSender[i] == 0 {
			idle = append(idle, name)
		}
	}
	if idle != nil {
		senders := Quantity{int64(len(idle)), "sender"}
		reasons = append(reasons, say("%s of %d got nothing stored: %s", senders, len(j.cfg.Senders), abridge(idle)))
	}
	if len(j.cfg.Replicas) > 1 && t.Neighbours == 0 {
		reasons = append(reasons, say("no neighbouring seqs come from different replicas"))
	}
	return reasons
}

// overlap reports whether any two operations were under way at the same time.
// The tally detects that only if operations come in the order of their returns.
// They nearly do in a live run, but a stored history may be in any order.
func (j *judge) overlap() bool {
	var all []*record
	for rec := range j.ops.all() {
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
