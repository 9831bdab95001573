package verify

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	update    = flag.Bool("update", false, "write testdata/verdicts.txt anew")
	corpusDir = flag.String("corpus", "", "store every verdict of the corpus below this folder, to compare two versions in full")
)

// The verdicts of some hundred histories, correct, mutated and cut off, each
// fed in five ways, equal testdata/verdicts.txt byte for byte. To change
// verdicts on purpose, run the test with -update: the diff of that file shows
// which changed. -corpus keeps them in full.
func TestVerdictsOfTheCorpus(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	histories := 0
	corpus(func(name string, cfg Config, events []event) {
		fmt.Fprintln(&got, strings.TrimSuffix(name, "; "))
		last := ""
		for _, way := range ways {
			result := way.feed(t, cfg, events)
			if *corpusDir != "" {
				file := filepath.Join(*corpusDir, fmt.Sprintf("%03d %s.json", histories, way.name))
				if err := os.WriteFile(file, []byte(name+"\n"+result.json(t)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if line := result.summary(t); line != last { // as the way before
				fmt.Fprintf(&got, "\t%s: %s\n", way.name, line)
				last = line
			}
		}
		histories++
	})
	golden := filepath.Join("testdata", "verdicts.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	file, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := strings.Split(got.String(), "\n"), strings.Split(string(file), "\n")
	if len(gotLines) != len(wantLines) {
		t.Errorf("%d verdicts, want %d", len(gotLines), len(wantLines))
	}
	differ := 0
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			if differ++; differ <= 10 {
				t.Errorf("got  %s\nwant %s", gotLines[i], wantLines[i])
			}
		}
	}
	if differ > 10 {
		t.Errorf("%d verdicts differ in all", differ)
	}
}

// A feedResult is all that one way of feeding a history came to.
type feedResult struct {
	verdict *Verdict
	live    Live
	err     error
}

// json is all of it, byte for byte.
func (o feedResult) json(t *testing.T) string {
	if o.err != nil {
		return o.err.Error()
	}
	return asJSON(t, o.verdict) + "\n" + asJSON(t, o.live) + "\n"
}

// summary is one short line: what a reader wants to know first, and a hash of
// all the rest.
func (o feedResult) summary(t *testing.T) string {
	if o.err != nil {
		return o.err.Error()
	}
	var b strings.Builder
	b.WriteString(o.verdict.Status.String())
	for _, c := range o.verdict.Checks {
		if c.Violations > 0 {
			fmt.Fprintf(&b, ", %d %s", c.Violations, c.Check)
		}
	}
	fmt.Fprintf(&b, "; %.4x", sha256.Sum256([]byte(o.json(t))))
	return b.String()
}

// ways are how a Verifier may learn of a run.
var ways = []struct {
	name string
	feed func(t *testing.T, cfg Config, events []event) feedResult
}{
	{"live", func(_ *testing.T, cfg Config, events []event) feedResult {
		v := play(cfg, events)
		live := v.Live()
		return feedResult{v.Verdict(), live, nil}
	}},
	{"streamed", func(_ *testing.T, cfg Config, events []event) feedResult {
		cfg.Stream = true
		v := play(cfg, events)
		live := v.Live()
		return feedResult{v.Verdict(), live, nil}
	}},
	{"returns only", func(_ *testing.T, cfg Config, events []event) feedResult {
		v := replay(cfg, events)
		live := v.Live()
		return feedResult{v.Verdict(), live, nil}
	}},
	{"stored with marks", func(t *testing.T, cfg Config, events []event) feedResult {
		cfg.Stream = true
		var file bytes.Buffer
		live, h := New(cfg), NewRecorder(&file, cfg)
		for i, e := range events {
			if e.isCall {
				live.Call(e.op)
				continue
			}
			if err := h.Record(e.op); err != nil {
				t.Fatal(err)
			}
			live.Return(e.op)
			if i%3 == 0 {
				h.Mark(live.Floor())
			}
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		d, _, err := ReadHistory(&file, nil)
		return feedResult{d, Live{}, err}
	}},
	{"cut off", func(t *testing.T, cfg Config, events []event) feedResult {
		file := store(t, cfg, events)
		d, _, err := ReadHistory(bytes.NewReader(file[:len(file)*4/5]), nil)
		return feedResult{d, Live{}, err}
	}},
}

// corpus yields histories: small ones as Porcupine judges them, the classic
// faults, and long ones with whatever a foreign server, another writer and bad luck do.
func corpus(yield func(name string, cfg Config, events []event)) {
	for seed := range uint64(120) {
		cfg, events, what := smallHistory(seed)
		yield(fmt.Sprintf("small %d: %s", seed, what), cfg, events)
	}
	for _, name := range slices.Sorted(maps.Keys(classicFaults)) {
		for _, missing := range []Fields{0, Seq} {
			s := newSimulation(9, 10, 30)
			events := s.run()
			classicFaults[name].change(s, returnedOps(events))
			without(missing, events)
			s.cfg.Missing = missing
			yield(fmt.Sprintf("%s, without %q", name, missing), s.cfg, inOrderOfTime(events))
		}
	}
	for seed := range uint64(240) {
		s, r, what := strangeSimulation(seed)
		events := s.run()
		ops := returnedOps(events)
		for range r.IntN(4) {
			m := mutations[r.IntN(len(mutations))]
			m.apply(r, s, ops)
			what += m.name + "; "
		}
		for range r.IntN(4) {
			m := alterations[r.IntN(len(alterations))]
			m.apply(r, s, ops)
			what += m.name + "; "
		}
		without(s.cfg.Missing, events)
		if r.IntN(10) == 0 {
			i := r.IntN(len(events))
			events = slices.Delete(events, i, min(len(events), i+1+r.IntN(3)))
			what += "calls or returns left out; "
		}
		if r.IntN(10) == 0 {
			events = slices.Insert(events, r.IntN(len(events)), events[r.IntN(len(events))])
			what += "a call or return twice; "
		}
		yield(fmt.Sprintf("long %d: %s", seed, what), s.cfg, inOrderOfTime(events))
	}
	for seed := range uint64(2) { // so long that a streamed run forgets
		s := newSimulation(seed, 20, 350)
		s.lose, s.refuse = 0.05*float64(seed), 0.02
		events := s.run()
		ops := returnedOps(events)
		r := rand.New(rand.NewPCG(seed, 4))
		var what strings.Builder
		for range 4 * seed {
			m := slices.Concat(mutations, alterations)[r.IntN(len(mutations)+len(alterations))]
			m.apply(r, s, ops)
			what.WriteString(m.name + "; ")
		}
		yield(fmt.Sprintf("very long %d: %s", seed, what.String()), s.cfg, inOrderOfTime(events))
	}
}

// strangeSimulation is of a server and a log that are not quite as ours.
func strangeSimulation(seed uint64) (s *simulation, r *rand.Rand, what string) {
	r = rand.New(rand.NewPCG(seed, 3))
	s = newSimulation(r.Uint64(), 2+r.IntN(12), 3+r.IntN(40))
	s.cfg.Senders = s.cfg.Senders[:1+r.IntN(4)]
	if seed%2 == 1 {
		s.cfg.Missing = Fields(r.IntN(int(Seq | Sender | SenderCount | Text | SentAt + 1)))
	}
	s.cfg.WindowSize = []int{10, 10, 10, 3, 1}[r.IntN(5)]
	s.cfg.AnyStart = r.IntN(3) == 0
	s.cfg.MinOperations = []int{0, 1, -1}[r.IntN(3)]
	s.lose, s.refuse = []float64{0, 0, 0.1, 0.6}[r.IntN(4)], []float64{0, 0, 0.1}[r.IntN(3)]
	s.prefix = []int{0, 0, 0, 1, 9, 25}[r.IntN(6)]
	s.others, s.burst = []float64{0, 0, 0.1, 0.7}[r.IntN(4)], []int{1, 1, 4, 15}[r.IntN(4)]
	s.alike, s.impostor, s.second = r.IntN(4) == 0, r.IntN(4) == 0, r.IntN(6) == 0
	switch r.IntN(8) {
	case 0:
		s.cfg.Start = 0
	case 1:
		s.cfg.ClockAllowance = time.Millisecond
	case 2:
		s.cfg.ClockAllowance = -1
	}
	return s, r, fmt.Sprintf("without %q; ", s.cfg.Missing)
}

// alterations are mutations of what the model for Porcupine leaves out.
var alterations = []mutation{
	{"another text in a window", altered(func(e *Entry) { e.Text += "!" })},
	{"no nonce in a window", altered(func(e *Entry) { e.Text = "?" })},
	{"another sender in a window", altered(func(e *Entry) { e.Sender = "nobody" })},
	{"another count in a window", altered(func(e *Entry) { e.SenderCount += 2 })},
	{"a count of zero in a window", altered(func(e *Entry) { e.SenderCount = 0 })},
	{"another date in a window", altered(func(e *Entry) { e.SentAt -= 3_000_000 })},
	{"another seq in a window", altered(func(e *Entry) { e.Seq += 5 })},
	{"a seq of zero in a window", altered(func(e *Entry) { e.Seq = 0 })},
	{"a seq beyond all bounds in a window", altered(func(e *Entry) { e.Seq = maxSeq + 1 })},
	{"a message that nobody sent", altered(func(e *Entry) { e.Text = Nonce{"sim", 1, 5000}.String() })},
	{"messages that nobody sent", func(r *rand.Rand, s *simulation, ops []*Operation) {
		for i := range 3 {
			altered(func(e *Entry) { e.Text = Nonce{"sim", 70 - i, i}.String() })(r, s, ops)
		}
	}},
	{"dates of the log altered", func(r *rand.Rand, s *simulation, ops []*Operation) {
		for _, e := range s.log[r.IntN(len(s.log)):] {
			e.SentAt -= 20_000
		}
	}},
	{"counts of the log altered", func(r *rand.Rand, s *simulation, ops []*Operation) {
		for _, e := range s.log[r.IntN(len(s.log)):] {
			e.SenderCount--
		}
	}},
	{"seqs of the log raised", func(r *rand.Rand, s *simulation, ops []*Operation) {
		by := int64(r.IntN(60) - 1)
		for _, e := range s.log {
			e.Seq += by
		}
	}},
	{"holes in the numbering", func(r *rand.Rand, s *simulation, ops []*Operation) {
		every := 5 + r.IntN(30)
		for i, e := range s.log {
			e.Seq += int64(i / every)
		}
	}},
	{"replays, most of them right", func(r *rand.Rand, s *simulation, ops []*Operation) {
		for i, op := range ops {
			switch {
			case i%5 != 0 || op.Outcome != OK:
			case i%15 == 0:
				op.Replay = slices.Clone(op.Window[:len(op.Window)/2])
			default:
				op.Replay = op.Window
			}
		}
	}},
	{"more tries", func(r *rand.Rand, s *simulation, ops []*Operation) {
		for i := range ops {
			ops[i].Tries = 1 + i%3
		}
	}},
	{"answers from servers with names", func(r *rand.Rand, s *simulation, ops []*Operation) {
		by := []*Identity{{"x", "log"}, {"y", "log"}, {"y", "other log"}}
		which := r.IntN(3)
		for _, op := range ops {
			op.By = by[min(op.Replica+which, 2)]
		}
	}},
	{"no sentinels", func(r *rand.Rand, s *simulation, ops []*Operation) {
		for _, op := range ops {
			op.Sentinel = false
		}
	}},
	{"an empty answer", func(r *rand.Rand, s *simulation, ops []*Operation) { pick(r, ops).Window = nil }},
	{"a message twice in a window", func(r *rand.Rand, s *simulation, ops []*Operation) {
		if op := pick(r, ops); len(op.Window) > 0 {
			op.Window = slices.Insert(slices.Clone(op.Window), 0, op.Window[len(op.Window)-1])
		}
	}},
	{"one replica's windows only", func(r *rand.Rand, s *simulation, ops []*Operation) {
		for _, op := range ops {
			op.Replica = 0
		}
	}},
}

// altered changes one entry of one window.
func altered(change func(*Entry)) func(*rand.Rand, *simulation, []*Operation) {
	return func(r *rand.Rand, _ *simulation, ops []*Operation) {
		op := pick(r, ops)
		if len(op.Window) == 0 {
			return
		}
		i := r.IntN(len(op.Window))
		e := *op.Window[i]
		change(&e)
		op.Window = slices.Clone(op.Window)
		op.Window[i] = &e
	}
}
