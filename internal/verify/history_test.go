package verify

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

func store(t testing.TB, cfg Config, events []event) []byte {
	t.Helper()
	var b bytes.Buffer
	h := NewRecorder(&b, cfg)
	for _, op := range returnedOps(events) {
		if err := h.Record(op); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v, json.Deterministic(true), jsonv1.FormatDurationAsNano(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func zip(t testing.TB, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A stored history comes to the live run's verdict, in every figure, and its
// operations come back field by field.
func TestHistoryHasTheSameVerdict(t *testing.T) {
	for seed := range uint64(10) {
		s := newSimulation(seed, 8, 30)
		s.lose, s.refuse, s.prefix, s.others = 0.1, 0.1, int(seed), 0.1
		s.cfg.Stream = true // which a stored history is not
		events := s.run()
		if op := events[len(events)/2].op; op.Outcome == OK && seed%2 == 1 {
			op.Replay = []*Entry{} // sent again, and answered with nothing
		}
		for i, op := range returnedOps(events) {
			if op.Outcome == OK && op.Replay == nil && i%5 == 0 {
				op.Replay = op.Window
			}
		}
		want, wantOps := asJSON(t, play(s.cfg, events).Verdict()), asJSON(t, returnedOps(events))
		plain := store(t, s.cfg, events)
		for _, stored := range [][]byte{plain, zip(t, plain)} {
			var ops []*Operation
			got, cfg, err := ReadHistory(bytes.NewReader(stored), func(op *Operation) { ops = append(ops, op) })
			if err != nil {
				t.Fatal(err)
			}
			if g := asJSON(t, got); g != want {
				t.Errorf("verdict of the history:\n%s\nwant, as live:\n%s", g, want)
			}
			if asJSON(t, cfg) != asJSON(t, s.cfg) {
				t.Errorf("config = %+v, want %+v", cfg, s.cfg)
			}
			if g := asJSON(t, ops); g != wantOps {
				t.Errorf("read:\n%s\nwant:\n%s", g, wantOps)
			}
		}
	}
}

// A correct history that is cut off anywhere is judged as far as it goes.
func TestHistoryCutOff(t *testing.T) {
	s := newSimulation(3, 8, 12)
	s.lose, s.refuse = 0.1, 0.05
	s.cfg.MinOperations = 1
	plain := store(t, s.cfg, s.run())
	head := bytes.IndexByte(plain, '\n') + 1
	for cut := head; cut < len(plain)-2; cut += 211 {
		d, _, err := ReadHistory(bytes.NewReader(plain[:cut]), nil)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if !d.CutOff || d.Status == Violated {
			t.Fatalf("cut at %d of %d: cut off %v, %v %v", cut, len(plain), d.CutOff, d.Status, d.CounterExample)
		}
	}
	zipped := zip(t, plain)
	for cut := len(zipped) / 2; cut < len(zipped); cut += 101 {
		d, _, err := ReadHistory(bytes.NewReader(zipped[:cut]), nil)
		if err != nil {
			t.Fatalf("gzip cut at %d: %v", cut, err)
		}
		if d.Status == Violated {
			t.Fatalf("gzip cut at %d: %v", cut, d.CounterExample)
		}
	}
}

func TestHistoryThatIsNone(t *testing.T) {
	good := string(store(t, newSimulation(1, 2, 2).cfg, newSimulation(1, 2, 2).run()))
	lines := strings.SplitAfter(good, "\n")
	tests := map[string]struct{ in, want string }{
		"empty":         {"", "empty"},
		"text":          {"hello\n", "not what client --history has written"},
		"other version": {strings.Replace(good, `history":1`, `history":2`, 1), "version 2"},
		"no run":        {strings.Replace(good, `"run":"sim"`, `"run":""`, 1), "run is"},
		"broken line":   {lines[0] + "{\n" + lines[1], "line 2"},
		"twice":         {lines[0] + lines[1] + lines[1], "twice"},
		"after the end": {good + lines[1], "after the end"},
		"byte order":    {"\ufeff" + good, "byte order mark"},
		"blank line":    {lines[0] + "\n" + lines[1], "line 2: it is blank"},
		"workers":       {strings.Replace(good, `"workers":2`, `"workers":-1`, 1), "workers is -1"},
		"allowance":     {strings.Replace(good, `"workers":2`, `"workers":2,"clock_allowance_ns":-5`, 1), "clock_allowance_ns is -5"},
		"replica":       {lines[0] + `{"outcome":"ok","replica":2}` + "\n", "line 2: replica is 2"},
		"unnamed": {
			strings.Replace(lines[0], `"replicas":["a","b"]`, `"replicas":[]`, 1) + `{"outcome":"ok","replica":1000}` + "\n",
			"line 2: replica is 1000",
		},
		"tries":         {lines[0] + `{"outcome":"ok","tries":0}` + "\n", "line 2: tries is 0"},
		"null entry":    {lines[0] + `{"outcome":"ok","window":[null]}` + "\n", "line 2: window.0: an entry of a window is null"},
		"time":          {lines[0] + `{"outcome":"ok","call":2,"return":1}` + "\n", "before it was called"},
		"no operation":  {lines[0] + `{"x":1}` + "\n", "no outcome"},
		"more lines":    {strings.Join(lines[:3], "") + `{"end":{"operations":1}}` + "\n", "there are 2"},
		"reference":     {lines[0] + `{"outcome":"ok","window":[7]}` + "\n", "seq 7"},
		"outcome":       {lines[0] + `{"outcome":"maybe"}` + "\n", "maybe"},
		"out of bounds": {lines[0] + `{"outcome":"ok","worker":-1}` + "\n", "out of bounds"},
	}
	for name, test := range tests {
		_, _, err := ReadHistory(strings.NewReader(test.in), nil)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error = %v, want one about %q", name, err, test.want)
		}
	}
	if _, _, err := ReadHistory(io.MultiReader(strings.NewReader(lines[0]), iotestErr{}), nil); err == nil {
		t.Error("a read error is not reported")
	}
}

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

// A compressed history is whole only if its checksum says so.
func TestHistoryCorruptGzip(t *testing.T) {
	s := newSimulation(1, 4, 10)
	zipped := zip(t, store(t, s.cfg, s.run()))
	wrongSum := bytes.Clone(zipped)
	wrongSum[len(wrongSum)-8] ^= 1
	for name, stored := range map[string][]byte{"checksum": wrongSum, "junk after it": append(bytes.Clone(zipped), "junk"...)} {
		if d, _, err := ReadHistory(bytes.NewReader(stored), nil); err == nil || !strings.Contains(err.Error(), "corrupt") {
			t.Errorf("%s: %+v, %v, want an error about a corrupt file", name, d, err)
		}
	}
}

// A line missing from the history, as the end line proves, is not blamed on the
// server.
func TestHistoryDroppedLine(t *testing.T) {
	s := newSimulation(2, 4, 30)
	s.cfg.MinOperations = 1
	lines := bytes.SplitAfter(store(t, s.cfg, s.run()), []byte("\n"))
	judged := 0
	for i := 1; i < len(lines)-2; i++ {
		without := slices.Concat(slices.Concat(lines[:i]...), slices.Concat(lines[i+1:]...))
		d, _, err := ReadHistory(bytes.NewReader(without), nil)
		if err != nil {
			continue // lines further down refer to an entry that stood in full there
		}
		judged++
		if d.Status == Violated || !d.CutOff {
			t.Errorf("without line %d: %v, cut off %v\n%v", i+1, d.Status, d.CutOff, d.CounterExample)
		}
	}
	if judged == 0 {
		t.Error("no history could be judged")
	}
}

// Times decide, not the order of lines.
func TestHistoryInAnyOrder(t *testing.T) {
	s := newSimulation(3, 5, 30)
	events := s.run()
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.op.Worker, b.op.Worker) })
	if d := replay(s.cfg, events).Verdict(); d.Status != Verified {
		t.Errorf("sorted by worker: %v %v\n%v", d.Status, d.Reasons, d.CounterExample)
	}
}
