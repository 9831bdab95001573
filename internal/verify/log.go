package verify

import "time"

// A cell is one place of the log, as the answers show it.
type cell struct {
	text   uint64        // hash of sender and text
	sentAt int64         // as Entry.SentAt
	count  int64         // as Entry.SenderCount
	first  time.Duration // the earliest return of an answer that shows it …
	shown  ref           // … and whose answer that was
	owner  ref           // whose message it is, if ours
	sender int32         // index in texts.names
	flags  cellFlags
}

type cellFlags uint8

const (
	seen  cellFlags = 1 << iota // some answer shows it
	ours                        // its nonce is of our run
	acked                       // its own operation was answered with it
)

func (c *cell) is(f cellFlags) bool { return c != nil && c.flags&f == f }

// witness returns the operation that best tells what c holds: its own, if that
// is ours, or else one that was shown it.
func (c *cell) witness() ref {
	if c.is(acked) {
		return c.owner
	}
	return c.shown
}

// A rebuiltLog is the log as the answers so far show it.
type rebuiltLog struct {
	texts  *texts
	cells  sparse[cell]
	recent [recentSize]*Entry // the newest entries by seq, to compare pointers and to show texts
	absent map[int64]ref      // places that a window should show and does not
	skips  map[int64]skip     // by the place above: see skip

	lowest   int64 // the lowest place that some answer shows, 0 if none
	fromZero bool  // it has a message 0
	walked   int64 // the last place that the second walk has passed
	base     int64 // all places below are forgotten
}

// A skip is that the answer to by shows the place from and, above it, none below the
// skip's own. In a log whose seqs may have holes, what lies between is one, or the
// answer leaves messages out.
type skip struct {
	from int64
	by   ref
}

// skip notes a skip below place. The widest counts.
func (l *rebuiltLog) skip(place int64, s skip) {
	if known, ok := l.skips[place]; !ok || s.from < known.from {
		l.skips[place] = s
	}
}

const recentSize = 4096

// maxSeq keeps arithmetic on seqs from overflowing; even nanoseconds since 1970
// are below it.
const maxSeq = 1 << 62

func isPlace(seq int64) bool { return 1 <= seq && seq <= maxSeq }

// compare reports whether e is what c, its place, is known to hold, and returns
// its hash.
func (l *rebuiltLog) compare(c *cell, e *Entry) (agrees bool, text uint64) {
	if l.recent[e.Seq%recentSize] == e {
		return true, c.text
	}
	text = l.texts.hash(e.Sender, e.Text)
	sender := l.texts.senderOf(e, c.sender)
	return text == c.text && sender == c.sender && e.SenderCount == c.count && e.SentAt == c.sentAt, text
}

// fill notes e in c, which is empty, as the answer to r showed it at the time
// at. It reports whether this is the lowest place known.
func (l *rebuiltLog) fill(c *cell, e *Entry, r ref, at time.Duration) (lower bool) {
	*c = cell{
		text: l.texts.hash(e.Sender, e.Text), sentAt: e.SentAt, count: e.SenderCount, sender: l.texts.senderOf(e, -1),
		first: at, shown: r, flags: seen,
	}
	l.recent[e.Seq%recentSize] = e
	if lower = l.lowest == 0 || e.Seq < l.lowest; lower {
		l.lowest = e.Seq
	}
	return lower
}

// showAgain notes that the answer to r shows e in c too.
func (l *rebuiltLog) showAgain(c *cell, e *Entry, text uint64, r ref, at time.Duration) {
	if slot := &l.recent[e.Seq%recentSize]; *slot == nil || (*slot).Seq < e.Seq {
		*slot = e
	}
	if text == c.text && at < c.first {
		c.first, c.shown = at, r
	}
}

// entry is what is left of the message in c, at seq.
func (l *rebuiltLog) entry(seq int64, c *cell) Entry {
	if e := l.recent[seq%recentSize]; e != nil && e.Seq == seq && l.texts.hash(e.Sender, e.Text) == c.text {
		return *e
	}
	e := Entry{Seq: seq, SenderCount: c.count, SentAt: c.sentAt}
	if c.sender >= 0 {
		e.Sender = l.texts.names[c.sender]
	}
	if c.is(ours) {
		e.Text = l.texts.nonceOf(c.owner)
	}
	return e
}

// forgetBelow frees what lies below base.
func (l *rebuiltLog) forgetBelow(base int64) {
	l.base = max(l.base, base)
	l.cells.forgetBelow(l.base)
	for s := range l.absent {
		if s < l.base {
			delete(l.absent, s)
		}
	}
	for s := range l.skips {
		if s < l.base {
			delete(l.skips, s)
		}
	}
}
