package verify

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// A simulation is a correct log and workers that append to it, in a time of
// its own: each operation takes effect at some instant between call and
// return. It yields events in the order of time.
type simulation struct {
	rng      *rand.Rand
	cfg      Config
	workers  int
	each     int     // operations of each worker
	lose     float64 // share of operations whose outcome is unknown, of which half are stored
	refuse   float64 // share of operations that fail
	prefix   int     // messages in the log before the run
	others   float64 // bursts of another writer, per operation
	burst    int     // messages in each of them, at most; 0 is 1
	alike    bool    // all foreign messages have one text, and one date with the one before
	impostor bool    // the other writer uses our senders' names
	second   bool    // half of the workers are another run's
	log      []*Entry
	counters map[string]int64
}

const start = 1_795_500_000_000_000 // µs

func newSimulation(seed uint64, workers, each int) *simulation {
	s := &simulation{
		rng: rand.New(rand.NewPCG(seed, 1)), workers: workers, each: each, counters: make(map[string]int64),
		cfg: Config{Run: "sim", Workers: workers, Start: start, WindowSize: 10, MinOperations: 1, Replicas: []string{"a", "b"}},
	}
	for i := range 10 {
		s.cfg.Senders = append(s.cfg.Senders, fmt.Sprintf("Отправитель %d", i))
	}
	return s
}

func (s *simulation) append(sender, text string, at time.Duration) *Entry {
	s.counters[sender]++
	e := &Entry{
		Seq: int64(len(s.log)) + 1, Sender: sender, SenderCount: s.counters[sender], Text: text,
		SentAt: start + at.Microseconds(),
	}
	s.log = append(s.log, e)
	return e
}

func (s *simulation) window(seq int64) []*Entry {
	return s.log[max(0, seq-int64(s.cfg.WindowSize)):seq:seq]
}

// An event is a call or a return.
type event struct {
	op     *Operation
	isCall bool
}

func (e event) feed(v *Verifier) {
	if e.isCall {
		v.Call(e.op)
	} else {
		v.Return(e.op)
	}
}

// run plays the run to its end, sentinels included.
func (s *simulation) run() []event {
	for i := range s.prefix {
		s.foreign("before", fmt.Sprintf("old %d", i), 0)
	}
	type state struct {
		op     *Operation
		next   time.Duration
		stage  int
		number int
		lost   bool // the message is never stored
	}
	var events []event
	states := make([]state, s.workers)
	for w := range states {
		states[w].next = time.Duration(s.rng.IntN(1000)) * time.Microsecond
	}
	pause := func() time.Duration { return time.Duration(1+s.rng.IntN(2000)) * time.Microsecond }
	now := time.Duration(0)
	for {
		turn := -1
		for w := range states {
			if st := &states[w]; (st.number < s.each) && (turn < 0 || st.next < states[turn].next) {
				turn = w
			}
		}
		if turn < 0 {
			break
		}
		st := &states[turn]
		now = max(now+time.Nanosecond, st.next)
		switch st.stage {
		case 0: // call
			st.op = s.operation(turn, st.number, now)
			st.lost = false
			switch x := s.rng.Float64(); {
			case x < s.lose:
				st.op.Outcome, st.op.Reason, st.lost = Unknown, "timeout", s.rng.IntN(2) == 0
			case x < s.lose+s.refuse:
				st.op.Outcome, st.op.Reason, st.lost = Failed, "status 503", true
			}
			events = append(events, event{st.op, true})
		case 1: // effect
			if s.rng.Float64() < s.others {
				for i := range 1 + s.rng.IntN(max(1, s.burst)) {
					s.foreign("stranger", fmt.Sprintf("hello from elsewhere, %d at %d", i, now), now)
				}
			}
			if st.lost {
				break
			}
			e := s.append(st.op.Sender, st.op.Text, now)
			if st.op.Outcome == OK {
				st.op.Window = s.window(e.Seq)
			}
		case 2: // return
			st.op.Return = now
			events = append(events, event{st.op, false})
			st.number++
		}
		st.stage = (st.stage + 1) % 3
		st.next = now + pause()
	}
	if s.second {
		events = slices.DeleteFunc(events, func(e event) bool { return isSecond(e.op) })
	}
	for replica := range s.cfg.Replicas {
		now += time.Millisecond
		op := s.operation(s.workers+replica, 0, now)
		op.Replica, op.Sentinel = replica, true
		events = append(events, event{op, true})
		now += time.Millisecond
		op.Window = s.window(s.append(op.Sender, op.Text, now).Seq)
		now += time.Millisecond
		op.Return = now
		events = append(events, event{op, false})
	}
	return events
}

// foreign appends a message of another writer.
func (s *simulation) foreign(sender, text string, at time.Duration) {
	if s.impostor {
		sender = s.cfg.Senders[0]
	}
	if s.alike {
		text = "ping"
	}
	s.append(sender, text, at)
}

func isSecond(op *Operation) bool { return op.Worker%2 == 1 && !op.Sentinel }

func (s *simulation) operation(worker, number int, now time.Duration) *Operation {
	run := s.cfg.Run
	if s.second && worker%2 == 1 && worker < s.workers {
		run = "another"
	}
	return &Operation{
		Worker: worker, Number: number, Replica: s.rng.IntN(len(s.cfg.Replicas)), Tries: 1,
		Sender: s.cfg.Senders[s.rng.IntN(len(s.cfg.Senders))],
		Text:   "привет 👋 \"" + Nonce{run, worker, number}.String() + "\"\n",
		Call:   now, Outcome: OK,
	}
}

// addUp reports whether every request is counted as what became of it.
func (c Counts) addUp() bool {
	return c.OK+c.Failed+c.Unknown == c.Sent && c.Stored+c.NotStored+c.Unsettled == c.Unknown && c.Unsettled >= 0 && c.NotStored >= 0
}

// play feeds events to a new Verifier as a live run would.
func play(cfg Config, events []event) *Verifier {
	v := New(cfg)
	for _, e := range events {
		e.feed(v)
	}
	return v
}

// replay feeds the operations only, in the order of their returns, as a stored
// history does.
func replay(cfg Config, events []event) *Verifier {
	v := New(cfg)
	for _, op := range returnedOps(events) {
		v.Return(op)
	}
	return v
}

// returnedOps are the operations of events.
func returnedOps(events []event) (ops []*Operation) {
	for _, e := range events {
		if !e.isCall {
			ops = append(ops, e.op)
		}
	}
	return ops
}

func inOrderOfTime(events []event) []event {
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(when(a), when(b)) })
	return events
}

func when(e event) time.Duration {
	if e.isCall {
		return e.op.Call
	}
	return e.op.Return
}
