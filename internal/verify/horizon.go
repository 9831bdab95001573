package verify

// The second walk follows behind the first, below the horizon. In a streamed run
// what lies behind it is forgotten.
//
// If an operation is called when seq floor has been acknowledged, a correct
// server gives it a higher seq, so its window begins no lower than
// floor+2-WindowSize. The horizon is the lowest of these bounds over all
// operations in flight: no correct answer can touch a place below it any more.
// A wrong answer that does is recognised by its own seq: see realTime.answered.

// sweepEvery is after how many returns the second walk moves on.
const sweepEvery = 256

// tick moves on after so many returns, in a run whose calls are reported.
func (j *judge) tick() {
	if j.returns++; j.returns%sweepEvery != 0 {
		return
	}
	if floor, known := j.ops.lowestFloor(j.acks.head); known {
		j.moveOn(floor)
	}
}

// setFloor takes the floor from a stored history. A live run computes it from
// its calls.
func (j *judge) setFloor(floor int64) {
	j.acks.floor = max(j.acks.floor, min(floor, j.acks.head))
	j.moveOn(j.acks.floor)
}

// moveOn moves the horizon to where floor allows.
func (j *judge) moveOn(floor int64) {
	to := floor + 1 - int64(j.cfg.WindowSize)
	if to <= j.log.walked {
		return
	}
	j.walkTo(to)
	if j.cfg.Stream {
		j.acks.prune(j.log.walked)
		j.log.forgetBelow(j.log.walked - recentSize)
		j.ops.forgetBelow(j.log.base)
	}
}

// walkTo makes the checks that follow the order of the log, up to the place last.
func (j *judge) walkTo(last int64) {
	for seq, c := range j.walk.to(last) {
		rec := j.recordOf(c)
		j.attribute(c, rec)
		j.checks.along(seq, c, rec)
	}
}
