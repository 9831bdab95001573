package verify

// A horizon moves the second walk on behind the first, and forgets what lies
// behind it in a streamed run.
//
// If an operation is called when seq floor has been acknowledged, a correct
// server gives it a higher seq, so its window begins no lower than
// floor+2-WindowSize. The horizon is the lowest of these bounds over all
// operations in flight: no correct answer can touch a place below it any more.
// A wrong answer that does is recognised by its own seq: see realTime.answered.
type horizon struct {
	*facts
	checks  *checks
	returns int64
}

// sweepEvery is after how many returns the second walk moves on.
const sweepEvery = 256

// tick moves on after so many returns, in a run whose calls are reported.
func (h *horizon) tick() {
	if h.returns++; h.returns%sweepEvery != 0 {
		return
	}
	if floor, known := h.ops.lowestFloor(h.acks.head); known {
		h.moveOn(floor)
	}
}

// setFloor takes the floor from a stored history. A live run computes it from
// its calls.
func (h *horizon) setFloor(floor int64) {
	h.acks.floor = max(h.acks.floor, min(floor, h.acks.head))
	h.moveOn(h.acks.floor)
}

// moveOn moves the horizon to where floor allows.
func (h *horizon) moveOn(floor int64) {
	to := floor + 1 - int64(h.cfg.WindowSize)
	if to <= h.log.walked {
		return
	}
	h.walkTo(to)
	if h.cfg.Stream {
		h.acks.prune(h.log.walked)
		h.log.forgetBelow(h.log.walked - recentSize)
		h.ops.forgetBelow(h.log.base)
	}
}

// walkTo makes the checks that follow the order of the log, up to the place last.
func (h *horizon) walkTo(last int64) {
	for seq, c := range h.walk.to(last) {
		rec := h.recordOf(c)
		h.writers.along(seq, c, rec)
		h.checks.along(seq, c, rec)
	}
}
