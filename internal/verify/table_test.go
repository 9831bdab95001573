package verify

import (
	"slices"
	"testing"
	"time"
)

// The hand-written history that every case of the table starts from: two
// workers on two replicas, windows of three, times in milliseconds.
//
//	a  worker 0, request 0, Анна   0 … 10  seq 1
//	b  worker 1, request 0, Boris  5 … 15  seq 2
//	c  worker 0, request 1, Анна  20 … 30  seq 3
//	d  worker 1, request 1, Boris 25 … 35  seq 4
//	e  worker 0, request 2, Анна  40 … 50  seq 5
type hand map[string]*Operation

var handConfig = Config{
	Run: "hand", Replicas: []string{"north", "south"}, Senders: []string{"Анна", "Boris"}, Start: start,
	WindowSize: 3, MinOperations: 1, ClockAllowance: time.Millisecond,
}

func handOperation(worker, number int, sender string, call, ret int) *Operation {
	return &Operation{
		Worker: worker, Number: number, Replica: worker, Tries: 1, Sender: sender, Outcome: OK,
		Text: "привет " + Nonce{"hand", worker, number}.String(),
		Call: time.Duration(call) * time.Millisecond, Return: time.Duration(ret) * time.Millisecond,
	}
}

func handEntry(op *Operation, seq, count int64, at int) *Entry {
	return &Entry{Seq: seq, Sender: op.Sender, SenderCount: count, Text: op.Text, SentAt: start + int64(at)*1000}
}

// correct returns the history anew; no two windows share an Entry.
func correct() hand {
	h := hand{
		"a": handOperation(0, 0, "Анна", 0, 10),
		"b": handOperation(1, 0, "Boris", 5, 15),
		"c": handOperation(0, 1, "Анна", 20, 30),
		"d": handOperation(1, 1, "Boris", 25, 35),
		"e": handOperation(0, 2, "Анна", 40, 50),
	}
	h.show("a", "a")
	h.show("b", "ab")
	h.show("c", "abc")
	h.show("d", "bcd")
	h.show("e", "cde")
	return h
}

// entry is the message of the named operation, as a correct answer shows it;
// x is one of another writer in the place of d.
func (h hand) entry(name byte) *Entry {
	switch name {
	case 'a':
		return handEntry(h["a"], 1, 1, 7)
	case 'b':
		return handEntry(h["b"], 2, 1, 8)
	case 'c':
		return handEntry(h["c"], 3, 2, 27)
	case 'd':
		return handEntry(h["d"], 4, 2, 28)
	case 'e':
		return handEntry(h["e"], 5, 3, 45)
	}
	return &Entry{Seq: 4, Sender: "stranger", SenderCount: 1, Text: "hello", SentAt: start + 28_000}
}

// show lets the named operation's answer show the messages of others.
func (h hand) show(name, messages string) {
	w := []*Entry{}
	for i := range len(messages) {
		w = append(w, h.entry(messages[i]))
	}
	h[name].Window = w
}

// each changes every showing of the message at seq.
func (h hand) each(seq int64, change func(*Entry)) {
	for _, op := range h {
		for _, e := range op.Window {
			if e.Seq == seq {
				change(e)
			}
		}
	}
}

// fromTheFuture puts another writer's message, dated by a clock that was an
// hour ahead, in the place of d, and dates e so much after it.
func (h hand) fromTheFuture(after int64) {
	const date = start + 3_600_000_000
	h["d"].Outcome, h["d"].Window = Failed, nil
	h.show("e", "cxe")
	h.each(4, func(e *Entry) { e.SentAt = date })
	h.each(5, func(e *Entry) { e.SentAt = date + after })
}

func (h hand) events() []event {
	var events []event
	for _, op := range h {
		events = append(events, event{op, true}, event{op, false})
	}
	return inOrderOfTime(events)
}

func broken(d *Verdict) []Check {
	var checks []Check
	for _, c := range d.Checks {
		if c.Violations > 0 {
			checks = append(checks, c.Check)
		}
	}
	return checks
}

func TestTable(t *testing.T) {
	tests := map[string]struct {
		change  func(hand)
		breaks  []Check // all of them, in the table's order
		example Check   // of the counter-example
		anomaly string
	}{
		"own message missing": {
			func(h hand) { h.show("e", "bcd") },
			[]Check{InternalConsistency}, InternalConsistency, "own message missing",
		},
		"empty answer": {
			func(h hand) { h.show("e", "") },
			[]Check{InternalConsistency}, InternalConsistency, "own message missing",
		},
		"own sender altered": {
			func(h hand) { h.each(5, func(e *Entry) { e.Sender = "Anna" }) }, // whose first message has count 3
			[]Check{InternalConsistency, Counters, GarbageRead}, GarbageRead, "garbage read",
		},
		"own text cut": {
			func(h hand) { h["e"].Window[2].Text = "привет" },
			[]Check{InternalConsistency}, InternalConsistency, "own message missing",
		},
		"own count nought": {
			func(h hand) { h.each(5, func(e *Entry) { e.SenderCount = 0 }) },
			[]Check{Counters}, Counters, "counter repeated",
		},
		"gap in a window": {
			func(h hand) { h.show("e", "bde") },
			[]Check{Contiguous, LostWrite}, LostWrite, "lost write",
		},
		"gap at an unknown message": {
			func(h hand) {
				h["c"].Outcome, h["c"].Window = Unknown, nil
				h.show("d", "abd")
				h.show("e", "cde")
			},
			[]Check{Contiguous}, Contiguous, "gap",
		},
		"a hole in the numbers": {
			func(h hand) {
				for _, op := range h {
					for _, e := range op.Window {
						if e.Seq >= 4 {
							e.Seq++
						}
					}
				}
			},
			[]Check{Contiguous}, Contiguous, "gap",
		},
		"window too short": {
			func(h hand) { h.show("e", "de") },
			[]Check{Contiguous, LostWrite}, LostWrite, "lost write",
		},
		"window too long": {
			func(h hand) { h.show("e", "bcde") },
			[]Check{Contiguous}, Contiguous, "window too long",
		},
		"window out of order": {
			func(h hand) { h.show("e", "dce") },
			[]Check{Order}, Order, "disorder",
		},
		"window of one sender": {
			func(h hand) {
				h.show("b", "b")
				h.show("c", "ac")
				h.show("d", "bd")
				h.show("e", "ace")
			},
			[]Check{Contiguous}, Contiguous, "windows of one sender",
		},
		"agreement on a date": {
			func(h hand) { h["e"].Window[1].SentAt++ },
			[]Check{Agreement}, Agreement, "disagreement",
		},
		"counter read when answered": {
			func(h hand) { h["d"].Window[1].SenderCount = 3 },
			[]Check{Agreement, Counters}, Counters, "counter not stored",
		},
		"agreement on a message": {
			func(h hand) {
				h["d"].Outcome, h["d"].Window = Unknown, nil
				h.show("e", "cde")
				h["f"] = handOperation(1, 2, "Boris", 41, 52)
				h["f"].Window = []*Entry{h.entry('x'), h.entry('e'), handEntry(h["f"], 6, 3, 46)}
			},
			[]Check{Agreement}, Agreement, "disagreement",
		},
		"one nonce at two seqs": {
			func(h hand) {
				h["f"] = handOperation(1, 2, "Boris", 41, 52)
				again := h.entry('d')
				again.Seq, again.SenderCount, again.SentAt = 6, 3, start+46_000
				h["f"].Window = []*Entry{h.entry('e'), again, handEntry(h["f"], 7, 4, 46)}
			},
			[]Check{Duplicate}, Duplicate, "duplicate",
		},
		"one seq acknowledged twice": {
			func(h hand) {
				h.show("d", "bcd")
				h["d"].Window[2].Seq = 3
				h["d"].Window = []*Entry{h.entry('a'), h.entry('b'), h["d"].Window[2]}
				h["d"].Window[2].SentAt = start + 27_000
				delete(h, "e")
			},
			[]Check{Agreement, Duplicate, LostWrite}, Duplicate, "duplicate seq",
		},
		"lost write": {
			func(h hand) {
				h.show("e", "cxe")
			},
			[]Check{Agreement, LostWrite}, LostWrite, "lost write",
		},
		"acknowledged before stored": {
			func(h hand) { // b was answered, and nobody ever sees it
				h.show("c", "ac")
				h.show("d", "acd")
				h.show("e", "cde")
			},
			[]Check{Contiguous, LostWrite}, LostWrite, "lost write",
		},
		"window read after the commit": {
			func(h hand) { h.show("c", "bcd") },
			[]Check{Order, FutureRead}, FutureRead, "future read",
		},
		"window read when the own message is out of it": {
			func(h hand) { // nobody shows c, and yet its place is no gap
				h["e"] = handOperation(2, 0, "Анна", 40, 52)
				h["f"] = handOperation(3, 0, "Boris", 41, 52)
				late := []*Entry{h.entry('d'), h.entry('e'), handEntry(h["f"], 6, 3, 46)}
				for _, name := range []string{"c", "d", "e", "f"} {
					h[name].Return, h[name].Window = 52*time.Millisecond, late
				}
			},
			[]Check{InternalConsistency, Order, FutureRead}, FutureRead, "future read",
		},
		"shown before it was sent": {
			func(h hand) {
				h["d"].Call = 31 * time.Millisecond
				h["c"].Return = 30 * time.Millisecond
				h.show("c", "bcd")
			},
			[]Check{Order, FutureRead, Dates}, FutureRead, "future read",
		},
		"real-time order": {
			func(h hand) { // e, answered with seq 20 among others' messages, and only then f with seq 5
				stranger := func(seq int64) *Entry {
					return &Entry{Seq: seq, Sender: "stranger", SenderCount: seq - 17, Text: "hello", SentAt: start + 45_000}
				}
				h["e"].Window = []*Entry{stranger(18), stranger(19), handEntry(h["e"], 20, 4, 45)}
				h["f"] = handOperation(0, 3, "Анна", 60, 70)
				h["f"].Window = []*Entry{h.entry('c'), h.entry('d'), handEntry(h["f"], 5, 3, 65)}
			},
			[]Check{RealTimeOrder, Dates}, RealTimeOrder, "real-time inversion",
		},
		"counter skipped": {
			func(h hand) { h.each(5, func(e *Entry) { e.SenderCount = 4 }) },
			[]Check{Counters}, Counters, "counter skipped",
		},
		"counter repeated": {
			func(h hand) { h.each(5, func(e *Entry) { e.SenderCount = 2 }) },
			[]Check{Counters}, Counters, "counter repeated",
		},
		"first counter not 1": {
			func(h hand) {
				for seq, count := range map[int64]int64{2: 2, 4: 3} {
					h.each(seq, func(e *Entry) { e.SenderCount = count })
				}
			},
			[]Check{Counters}, Counters, "counter skipped",
		},
		"date decreases": {
			func(h hand) { h.each(2, func(e *Entry) { e.SentAt = start + 6_000 }) },
			[]Check{Dates}, Dates, "date decreases",
		},
		"date too late": {
			func(h hand) { h.each(5, func(e *Entry) { e.SentAt = start + 52_000 }) },
			[]Check{Dates}, Dates, "date outside the operation",
		},
		"date too early": {
			func(h hand) { h.each(5, func(e *Entry) { e.SentAt = start + 38_000 }) },
			[]Check{Dates}, Dates, "date outside the operation",
		},
		"date later than one from the future": {
			func(h hand) { h.fromTheFuture(1) },
			[]Check{Dates}, Dates, "date outside the operation",
		},
		"aborted read": {
			func(h hand) { h["d"].Outcome, h["d"].Window = Failed, nil },
			[]Check{AbortedRead}, AbortedRead, "aborted read",
		},
		"never sent": {
			func(h hand) { delete(h, "b") },
			[]Check{GarbageRead}, GarbageRead, "garbage read",
		},
		"text altered for others": {
			func(h hand) { h["e"].Window[1].Text += "!" },
			[]Check{Agreement, GarbageRead}, GarbageRead, "garbage read",
		},
		"double append on retry": {
			func(h hand) {
				h["f"] = handOperation(1, 2, "Boris", 41, 52)
				h["f"].Tries = 2
				first := handEntry(h["f"], 6, 3, 46)
				h["f"].Window = []*Entry{h.entry('e'), first, handEntry(h["f"], 7, 4, 46)}
			},
			[]Check{Duplicate, ExactlyOnce}, ExactlyOnce, "double append",
		},
		"replay differs": {
			func(h hand) {
				h["e"].Tries = 2
				h["e"].Replay = []*Entry{h.entry('c'), h.entry('d'), handEntry(h["e"], 5, 3, 46)}
			},
			[]Check{ExactlyOnce}, ExactlyOnce, "replay differs",
		},
		"correct": {func(hand) {}, nil, numChecks, ""},
		"correct replay": {
			func(h hand) { h["e"].Tries, h["e"].Replay = 2, h["e"].Window },
			nil, numChecks, "",
		},
		"correct, another writer": {
			func(h hand) {
				h["d"].Outcome, h["d"].Window = Failed, nil
				h.show("e", "cxe")
			},
			nil, numChecks, "",
		},
		"correct, an unknown one sent as the next was answered": {
			func(h hand) { // b, in the place that nobody shows
				h["b"] = handOperation(2, 0, "Boris", 50, 60)
				for _, name := range []string{"b", "c", "d"} {
					h[name].Outcome, h[name].Window = Unknown, nil
				}
			},
			nil, numChecks, "",
		},
		"correct, the date held back": {
			func(h hand) { h.fromTheFuture(0) },
			nil, numChecks, "",
		},
	}
	var tested [numChecks]bool
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := correct()
			test.change(h)
			for mode, d := range verdicts(handConfig, h.events()) {
				if got := broken(d); !slices.Equal(got, test.breaks) {
					t.Errorf("%s: breaks %v, want %v\n%v", mode, got, test.breaks, d.CounterExample)
				}
				if len(test.breaks) == 0 {
					if d.Status == Violated || d.CounterExample != nil {
						t.Errorf("%s: %v with %v", mode, d.Status, d.CounterExample)
					}
					continue
				}
				if c := d.CounterExample; d.Status != Violated || c == nil || c.Check != test.example || c.Anomaly != test.anomaly {
					t.Errorf("%s: %v with counter-example\n%v\nwant %v (%s)", mode, d.Status, c, test.example, test.anomaly)
				}
				if c := d.CounterExample; c != nil && c.Check == RealTimeOrder && !slices.Contains(c.Session, "read your writes") {
					t.Errorf("%s: session guarantees %v, want all of them", mode, c.Session)
				}
			}
		})
		for _, c := range test.breaks {
			tested[c] = true
		}
	}
	for c, ok := range tested {
		if !ok {
			t.Errorf("no case breaks %v", Check(c))
		}
	}
}

// An answer that shows another message at the place does not show this one,
// even if it came first. The later operation is reported first, as by a slow
// worker.
func TestShownIsThatMessageOnly(t *testing.T) {
	v := New(handConfig)
	first, second := handOperation(0, 0, "Анна", 0, 10), handOperation(1, 0, "Boris", 20, 30)
	first.Window = []*Entry{handEntry(first, 1, 1, 5)}
	second.Window = []*Entry{handEntry(second, 1, 1, 25)} // the first is lost, and its place taken
	v.Return(second)
	v.Return(first)
	if got, want := broken(v.Verdict()), []Check{Agreement, Duplicate, LostWrite}; !slices.Equal(got, want) {
		t.Errorf("broken: %v, want %v", got, want)
	}
}
