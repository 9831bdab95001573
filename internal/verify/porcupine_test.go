package verify

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// The model that Porcupine checks histories against: a log that begins empty,
// whose one operation appends a message and returns the last three.

const modelWindow = 3

type modelState struct {
	head int64
	last [modelWindow]ref // the newest last; a number below 0 is none
}

type modelOutput struct {
	unknown bool
	window  []*Entry
}

var model = porcupine.Model{
	Init: func() any {
		s := modelState{}
		for i := range s.last {
			s.last[i] = ref{0, -1}
		}
		return s
	},
	Step: func(state, input, output any) (bool, any) {
		s, out := state.(modelState), output.(modelOutput)
		copy(s.last[:], s.last[1:])
		s.last[modelWindow-1] = input.(ref)
		s.head++
		if out.unknown {
			return true, s
		}
		n := min(modelWindow, int(s.head))
		if len(out.window) != n {
			return false, s
		}
		for i, e := range out.window {
			nonce, _ := FindNonce(e.Text)
			shown := ref{int32(nonce.Worker), int32(nonce.Number)}
			if shown != s.last[modelWindow-n+i] || e.Seq != s.head-int64(n-1-i) {
				return false, s
			}
		}
		return true, s
	},
}

func linearizable(events []event) bool {
	var ops []porcupine.Operation
	for _, op := range returnedOps(events) {
		if op.Outcome == Failed {
			continue
		}
		o := porcupine.Operation{ClientId: len(ops), Input: op.ref(), Call: int64(op.Call), Return: int64(op.Return)}
		o.Output = modelOutput{op.Outcome == Unknown, op.Window}
		if op.Outcome == Unknown {
			o.Return = math.MaxInt64
		}
		ops = append(ops, o)
	}
	return porcupine.CheckOperations(model, ops)
}

// A mutation changes a correct history in a way that may break it.
type mutation struct {
	name  string
	apply func(*rand.Rand, *simulation, []*Operation)
}

var mutations = []mutation{
	{"none", func(*rand.Rand, *simulation, []*Operation) {}},
	{"two places of the log swapped", func(r *rand.Rand, s *simulation, ops []*Operation) {
		i := r.IntN(len(s.log) - 1)
		j := min(len(s.log)-1, i+1+r.IntN(3))
		a, b := *s.log[i], *s.log[j]
		a.Seq, b.Seq = b.Seq, a.Seq
		s.log[i], s.log[j] = &b, &a
		readAgain(s, ops)
	}},
	{"a message missing in the log", func(r *rand.Rand, s *simulation, ops []*Operation) {
		i := r.IntN(len(s.log))
		s.log = slices.Delete(slices.Clone(s.log), i, i+1)
		renumber(s, ops)
	}},
	{"a message twice in the log", func(r *rand.Rand, s *simulation, ops []*Operation) {
		i := r.IntN(len(s.log))
		s.log = slices.Insert(slices.Clone(s.log), i+r.IntN(len(s.log)-i), s.log[i])
		renumber(s, ops)
	}},
	{"an entry missing in a window", func(r *rand.Rand, s *simulation, ops []*Operation) {
		if op := pick(r, ops); len(op.Window) > 0 {
			i := r.IntN(len(op.Window))
			op.Window = slices.Delete(slices.Clone(op.Window), i, i+1)
		}
	}},
	{"an entry replaced in a window", func(r *rand.Rand, s *simulation, ops []*Operation) {
		if op := pick(r, ops); len(op.Window) > 0 {
			other := *s.log[r.IntN(len(s.log))]
			i := r.IntN(len(op.Window))
			other.Seq = op.Window[i].Seq
			op.Window = slices.Clone(op.Window)
			op.Window[i] = &other
		}
	}},
	{"a window read too late", func(r *rand.Rand, s *simulation, ops []*Operation) {
		if op := pick(r, ops); len(op.Window) > 0 {
			op.Window = s.window(min(int64(len(s.log)), op.Window[len(op.Window)-1].Seq+1))
		}
	}},
	{"the windows of two operations swapped", func(r *rand.Rand, s *simulation, ops []*Operation) {
		a, b := pick(r, ops), pick(r, ops)
		if a.Outcome == OK && b.Outcome == OK {
			a.Window, b.Window = b.Window, a.Window
		}
	}},
	{"an answer lost", func(r *rand.Rand, s *simulation, ops []*Operation) {
		op := pick(r, ops)
		op.Outcome, op.Window = Unknown, nil
	}},
	{"an answer turned to a refusal", func(r *rand.Rand, s *simulation, ops []*Operation) {
		op := pick(r, ops)
		op.Outcome, op.Window = Failed, nil
	}},
	{"called later", func(r *rand.Rand, s *simulation, ops []*Operation) {
		op := pick(r, ops)
		op.Call += time.Duration(r.Int64N(int64(op.Return - op.Call)))
	}},
	{"returned earlier", func(r *rand.Rand, s *simulation, ops []*Operation) {
		op := pick(r, ops)
		op.Return -= time.Duration(r.Int64N(int64(op.Return - op.Call)))
	}},
	{"moved in time", func(r *rand.Rand, s *simulation, ops []*Operation) {
		op := pick(r, ops)
		by := time.Duration(r.IntN(6000)-3000) * time.Microsecond
		op.Call, op.Return = op.Call+by, op.Return+by
	}},
	{"called much later in the log", func(r *rand.Rand, s *simulation, ops []*Operation) {
		i := r.IntN(len(s.log))
		e := s.log[i]
		s.log = slices.Delete(slices.Clone(s.log), i, i+1)
		s.log = slices.Insert(s.log, r.IntN(len(s.log)+1), e)
		renumber(s, ops)
	}},
}

func pick(r *rand.Rand, ops []*Operation) *Operation { return ops[r.IntN(len(ops))] }

// readAgain gives every answered operation the window that the log has now; one
// whose message is lost keeps the old one.
func readAgain(s *simulation, ops []*Operation) {
	place := make(map[string]int64)
	for _, e := range s.log {
		if _, ok := place[e.Text]; !ok {
			place[e.Text] = e.Seq
		}
	}
	for _, op := range ops {
		if seq, ok := place[op.Text]; ok && op.Outcome == OK {
			op.Window = s.window(seq)
		}
	}
}

func renumber(s *simulation, ops []*Operation) {
	for i, e := range s.log {
		kept := *e
		kept.Seq = int64(i) + 1
		s.log[i] = &kept
	}
	readAgain(s, ops)
}

// smallHistory is a random history, mutated or not.
func smallHistory(seed uint64) (cfg Config, events []event, what string) {
	r := rand.New(rand.NewPCG(seed, 2))
	s := newSimulation(seed, 2+r.IntN(3), 1+r.IntN(3))
	s.cfg.WindowSize = modelWindow
	s.cfg.Missing = SenderCount | SentAt // the model knows nothing of them
	s.lose, s.refuse = []float64{0, 0.1, 0.3}[r.IntN(3)], []float64{0, 0.2}[r.IntN(2)]
	events = s.run()
	for _, e := range s.log {
		e.SenderCount, e.SentAt = 0, 0
	}
	ops := returnedOps(events)
	for range 1 + r.IntN(2) {
		m := mutations[r.IntN(len(mutations))]
		m.apply(r, s, ops)
		what += m.name + "; "
	}
	return s.cfg, inOrderOfTime(events), what
}

// Porcupine decides linearizability by search; we, by walking along seq. Both
// come to the same on every small history.
func TestAgreesWithPorcupine(t *testing.T) {
	count := 10_000
	if testing.Short() {
		count = 1_000
	}
	tally := make(map[string]int)
	compared := 0
	for seed := uint64(0); compared < count; seed++ {
		cfg, events, what := smallHistory(seed)
		v := replay(cfg, events)
		d := v.Verdict()
		if v.facts.walk.lowest > 1 || d.Counts.Unknown > 4 {
			continue // to us the log may not have been empty; to Porcupine many unknowns are many orders
		}
		compared++
		got, want := d.Status != Violated, linearizable(events)
		tally[fmt.Sprint(want)]++
		if got != want {
			t.Fatalf("seed %d (%s): %v, Porcupine says linearizable: %v\n%v\n%s", seed, what, d.Status, want,
				d.CounterExample, dump(events))
		}
	}
	t.Logf("linearizable or not: %v", tally)
	if tally["true"] < count/5 || tally["false"] < count/5 {
		t.Errorf("one-sided histories: %v", tally)
	}
}

func dump(events []event) string {
	var b strings.Builder
	for _, op := range returnedOps(events) {
		fmt.Fprintf(&b, "%d/%d %v-%v %v:", op.Worker, op.Number, op.Call, op.Return, op.Outcome)
		for _, m := range op.Window {
			n, _ := FindNonce(m.Text)
			fmt.Fprintf(&b, " %d=%d/%d", m.Seq, n.Worker, n.Number)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
