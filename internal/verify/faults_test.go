package verify

import (
	"slices"
	"testing"
	"time"
)

// A fault changes a correct run, and want is the check that names it.
type fault struct {
	change func(*simulation, []*Operation)
	want   Check
}

// The classic wrong solutions of the task, each made from a correct run and with
// the check that names it.
var classicFaults = map[string]fault{
	"no lock between two replicas: COUNT(*)+1 or MAX()+1": {func(s *simulation, ops []*Operation) {
		for i := 20; i < len(s.log); i += 20 { // each race gives one number twice
			for j := i; j < len(s.log); j++ {
				kept := *s.log[j]
				kept.Seq--
				s.log[j] = &kept
			}
		}
		readByText(s, ops)
	}, Duplicate},
	"a sequence with holes of rolled-back transactions": {func(s *simulation, ops []*Operation) {
		change(s, func(i int, e *Entry) { e.Seq += int64(i / 30) })
		readByText(s, ops)
	}, Contiguous},
	"window read after the commit": {func(s *simulation, ops []*Operation) {
		for _, op := range ops {
			op.Window = s.window(min(int64(len(s.log)), own(op).Seq+int64(op.Number%2)))
		}
	}, FutureRead},
	"window read before the commit": {func(s *simulation, ops []*Operation) {
		for i, op := range ops {
			if seq := own(op).Seq; i%7 == 0 && seq > 20 {
				readEarly(s, op, seq-3)
			}
		}
	}, LostWrite},
	"window by date": {func(s *simulation, ops []*Operation) {
		for i, op := range ops {
			if w := slices.Clone(op.Window); i%9 == 0 && len(w) > 3 {
				w[0], w[1] = w[1], w[0] // of one date
				op.Window = w
			}
		}
	}, Order},
	"window of one sender": {func(s *simulation, ops []*Operation) {
		for _, op := range ops {
			var w []*Entry
			for _, e := range s.log[:own(op).Seq] {
				if e.Sender == op.Sender {
					w = append(w, e)
				}
			}
			op.Window = w[max(0, len(w)-10):]
		}
	}, Contiguous},
	"counter read when answering": {func(s *simulation, ops []*Operation) {
		for _, op := range ops {
			total := make(map[string]int64)
			for _, e := range s.log[:own(op).Seq] {
				total[e.Sender]++
			}
			w := slices.Clone(op.Window)
			for i, e := range w {
				kept := *e
				kept.SenderCount = total[e.Sender]
				w[i] = &kept
			}
			op.Window = w
		}
	}, Counters},
	"counter without a lock": {func(s *simulation, ops []*Operation) {
		change(s, func(i int, e *Entry) {
			if i%40 == 39 && e.SenderCount > 1 {
				e.SenderCount--
			}
		})
		readAgain(s, ops)
	}, Counters},
	"acknowledged before stored": {func(s *simulation, ops []*Operation) {
		i := len(s.log) / 2
		s.log = slices.Delete(slices.Clone(s.log), i, i+1) // and was never stored
		renumber(s, ops)
	}, LostWrite},
	"a stale replica": {func(s *simulation, ops []*Operation) {
		for i, op := range ops {
			if seq := own(op).Seq; i%10 == 0 && seq > 40 {
				readEarly(s, op, seq-21)
			}
		}
	}, LostWrite},
	"a double append on retry": {func(s *simulation, ops []*Operation) {
		op := ops[len(ops)/2]
		op.Tries = 2
		at := own(op).Seq - 1
		again := *s.log[at]
		s.log = slices.Insert(slices.Clone(s.log), int(at)+3, &again)
		renumber(s, ops)
	}, ExactlyOnce},
	"a clock that steps back": {func(s *simulation, ops []*Operation) {
		change(s, func(i int, e *Entry) {
			if i > 50 {
				e.SentAt -= 1_000_000
			}
		})
		readAgain(s, ops)
	}, Dates},
	"a log of each replica's own": {func(s *simulation, ops []*Operation) {
		logs := make([][]*Entry, 2)
		replica := make(map[string]int)
		for _, op := range ops {
			replica[op.Text] = op.Replica
		}
		for _, e := range s.log {
			r := replica[e.Text]
			kept := *e
			kept.Seq = int64(len(logs[r])) + 1
			logs[r] = append(logs[r], &kept)
		}
		for _, op := range ops {
			log := logs[op.Replica]
			i := slices.IndexFunc(log, func(e *Entry) bool { return e.Text == op.Text })
			op.Window = log[max(0, i-9) : i+1]
		}
	}, Agreement},
	"refused, but stored": {func(s *simulation, ops []*Operation) {
		op := ops[len(ops)/2]
		op.Outcome, op.Window = Failed, nil
	}, AbortedRead},
	"answered from another's order": {func(s *simulation, ops []*Operation) {
		for _, op := range ops[len(ops)/2:] { // as if all had been called much later than they were stored
			op.Call += 20 * time.Millisecond
			op.Return += 20 * time.Millisecond
		}
		op := ops[0]
		op.Call, op.Return = op.Call+time.Second, op.Return+time.Second
	}, RealTimeOrder},
}

// Each is caught, and called by its name.
func TestClassicFaults(t *testing.T) {
	for name, test := range classicFaults {
		t.Run(name, func(t *testing.T) {
			s := newSimulation(9, 10, 30)
			s.cfg.ClockAllowance = 500 * time.Millisecond
			events := s.run()
			test.change(s, returnedOps(events))
			for mode, d := range verdicts(s.cfg, inOrderOfTime(events)) {
				if !slices.Contains(broken(d), test.want) {
					t.Errorf("%s: breaks %v, want %v among them", mode, broken(d), test.want)
				}
				if d.CounterExample == nil || len(d.CounterExample.Witnesses) == 0 || d.CounterExample.String() == "" {
					t.Errorf("%s: no counter-example", mode)
				}
			}
		})
	}
}

func own(op *Operation) *Entry { return op.Window[len(op.Window)-1] }

// change alters the log, before it is read again.
func change(s *simulation, each func(i int, e *Entry)) {
	for i, e := range s.log {
		kept := *e
		each(i, &kept)
		s.log[i] = &kept
	}
}

// readByText gives every operation whose message is in the log the window that
// ends there.
func readByText(s *simulation, ops []*Operation) {
	for _, op := range ops {
		if i := slices.IndexFunc(s.log, func(e *Entry) bool { return e.Text == op.Text }); i >= 0 {
			op.Window = s.log[max(0, i-9) : i+1]
		}
	}
}

// readEarly gives op a window that was read when the log ended before its own
// message, at seq head.
func readEarly(s *simulation, op *Operation, head int64) {
	if head > 0 {
		op.Window = append(slices.Clone(s.window(head)[max(0, min(head, 10)-9):]), own(op))
	}
}
