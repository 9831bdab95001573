package verify

import "time"

// fillHoles is the part of contiguous that looks at the log as a whole: each
// place that nobody saw must have an operation whose place is unknown, called by
// the hole's deadline, to fill it. Deadlines rise along the log, so taking the
// holes in order and the calls in order finds a filling if there is one.
func (k *contiguous) fillHoles(calls []time.Duration) {
	spare, taken := int64(0), 0
	for _, h := range k.walk.holes {
		// One called at that very instant is concurrent: see staircase.before.
		for taken < len(calls) && calls[taken] <= h.deadline {
			taken++
			spare++
		}
		need := h.last - h.first + 1
		if spare >= need {
			spare -= need
			continue
		}
		empty := need - spare
		spare = 0
		if k.writers.others || k.missingOps != 0 || k.cfg.Missing.Has(Text) {
			k.unexplained += empty // others, who cannot be told without texts, or what was cut off, may have been there
			continue
		}
		k.hole(h, empty)
	}
}

func (k *contiguous) hole(h hole, empty int64) {
	var refs []ref
	for _, beside := range []int64{h.first - 1, h.last + 1} {
		if c := k.log.cells.peek(beside); c.is(seen) {
			refs = append(refs, c.witness())
		}
	}
	k.found.report(Violation{
		Check: Contiguous, Anomaly: "gap", Seq: h.first, Size: empty,
		Why: say("no answer shows seq %d to %d, and %s of them cannot be requests of unknown outcome: that many numbers are missing in the log",
			h.first, h.last, Quantity{empty, "place"}),
	}, refs...)
}
