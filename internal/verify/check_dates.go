package verify

import "time"

// dates is the check that sent_at never decreases along seq, and lies within
// the time of its own operation, as far as the clocks may differ. It sees each
// place. Where the run's start is unknown it cannot compare clocks.
type dates struct{ base }

func (k *dates) limits() (notCheckable Sentence, parts []Sentence) {
	notCheckable, parts = k.base.limits()
	parts = append([]Sentence{k.acrossSeams()}, parts...)
	if k.cfg.Start == 0 {
		parts = append(parts, say("the run's start is unknown: dates are not compared with the operations' times"))
	}
	return notCheckable, parts
}

func (k *dates) passedBy() Sentence { return k.oneOfSeveral() }

func (k *dates) along(seq int64, c *cell, rec *record) {
	if k.cfg.Missing.Has(SentAt) {
		return
	}
	k.saw++
	prev, before := k.walk.prev, &k.walk.before
	if prev != 0 && c.sentAt < before.sentAt {
		k.report("date decreases", seq, before.sentAt-c.sentAt,
			say("sent_at is %s at seq %d and %s, which is earlier, at seq %d", date(before.sentAt), prev, date(c.sentAt), seq),
			before.witness(), c.witness())
	}
	if rec.is(returned) && rec.seq == seq && k.cfg.Start != 0 && k.cfg.ClockAllowance >= 0 {
		k.within(seq, c, rec, prev != 0 && c.sentAt == before.sentAt)
	}
}

// within compares a date with the time of its operation. A server whose clock
// is behind the last date, because it was set back or is another host's now,
// must repeat that date until the clock has caught up. Such a date may be later
// than its operation returned.
func (k *dates) within(seq int64, c *cell, rec *record, heldBack bool) {
	allowance := k.cfg.ClockAllowance.Microseconds()
	early := k.cfg.Start + rec.call.Microseconds() - allowance - c.sentAt
	late := int64(0)
	if rec.outcome == OK && !heldBack {
		late = c.sentAt - (k.cfg.Start + rec.ret.Microseconds() + 1 + allowance)
	}
	off := max(early, late)
	if off <= 0 {
		return
	}
	by := time.Duration(off+allowance) * time.Microsecond
	why := say("the message at seq %d has sent_at %s, which is %s before it was sent, even with %s allowed between the clocks",
		seq, date(c.sentAt), by, k.cfg.ClockAllowance)
	if late > 0 {
		why = say("the message at seq %d has sent_at %s, which is %s after it was answered, even with %s allowed between the clocks",
			seq, date(c.sentAt), by, k.cfg.ClockAllowance)
	}
	k.report("date outside the operation", seq, off, why, c.owner)
}
