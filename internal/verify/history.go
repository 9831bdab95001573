package verify

import (
	"bufio"
	"io"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// A stored history is JSON lines: the run's Config, then one line for each
// operation as it returned, then a line that says that it is complete.
// docs/HISTORY.md describes it for readers in other languages.
const historyVersion = 1

type headLine struct {
	History int    `json:"dummymessenger_history"`
	Config  Config `json:"config"`
}

// An operationLine is an Operation: tries are 1 if absent, times are in
// nanoseconds, and by is as in the last line of this replica if absent.
type operationLine struct {
	Operation
	Outcome string  `json:"outcome"`
	Window  []place `json:"window,omitempty"`
	Replay  []place `json:"replay,omitzero"` // empty is an answer too; absent: none

	Floor int64    `json:"floor,omitzero"` // in a line that has nothing else: see Recorder.Mark
	End   *endLine `json:"end,omitzero"`   // in the last line, which has nothing else
}

type endLine struct {
	Operations int64 `json:"operations"`
}

// A place is one entry of a window: in full, or, if its seq stands here alone,
// just as the last full entry with that seq above.
type place struct {
	seq   int64
	entry *Entry
}

func (p place) MarshalJSONTo(e *jsontext.Encoder) error {
	if p.entry != nil {
		return json.MarshalEncode(e, p.entry)
	}
	return e.WriteToken(jsontext.Int(p.seq))
}

// backSize is how many entries writer and reader remember, by seq modulo
// backSize. Both replace them in the same order, so that a reader finds every
// entry that the writer refers to.
const backSize = 4096

// A Recorder writes a history. Its methods may be called concurrently.
type Recorder struct {
	mu      sync.Mutex
	w       *bufio.Writer
	written [backSize]*Entry
	by      []*Identity // who answered last at each replica
	count   int64
	floor   int64
	line    operationLine
	err     error
}

// NewRecorder begins a history of the run that cfg describes. The caller
// closes w, or the compressor that w is, after the Recorder.
func NewRecorder(w io.Writer, cfg Config) *Recorder {
	h := &Recorder{w: bufio.NewWriterSize(w, 1<<16)}
	h.write(headLine{historyVersion, cfg})
	return h
}

// Record writes an operation that has returned. A worker's operation must be
// recorded before its next one is called.
func (h *Recorder) Record(op *Operation) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := &h.line
	*l = operationLine{Operation: *op, Outcome: op.Outcome.String(), Window: h.places(l.Window[:0], op.Window)}
	l.Tries, l.By = max(1, op.Tries), nil
	for len(h.by) <= op.Replica {
		h.by = append(h.by, nil)
	}
	if last := &h.by[op.Replica]; op.By != nil && *last != op.By {
		l.By, *last = op.By, op.By
	}
	if op.Replay != nil {
		l.Replay = h.places([]place{}, op.Replay)
	}
	h.count++
	h.write(l)
	return h.err
}

// Mark promises readers that every operation recorded after it was called when
// floor had been acknowledged, so they may forget what lies behind. The caller
// takes floor from Verifier.Floor before this call, and records each operation
// before it calls Verifier.Return.
func (h *Recorder) Mark(floor int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if floor > h.floor {
		h.floor = floor
		h.write(struct {
			Floor int64 `json:"floor"`
		}{floor})
	}
}

func (h *Recorder) places(to []place, w []*Entry) []place {
	for _, e := range w {
		if e.Seq < 1 {
			to = append(to, place{entry: e})
			continue
		}
		slot := &h.written[e.Seq%backSize]
		if *slot == e || *slot != nil && **slot == *e {
			to = append(to, place{seq: e.Seq})
			continue
		}
		*slot = e
		to = append(to, place{entry: e})
	}
	return to
}

// Omit says that n operations of the run are left out of the history.
func (h *Recorder) Omit(n int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count += n
}

// Close writes the last line and flushes.
func (h *Recorder) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.write(struct {
		End endLine `json:"end"`
	}{endLine{h.count}})
	if h.err == nil {
		h.err = h.w.Flush()
	}
	return h.err
}

func (h *Recorder) write(line any) {
	if h.err != nil {
		return
	}
	// Texts were checked when they were chosen or decoded; what a foreign
	// server has mangled all the same must not stop the recording.
	if h.err = json.MarshalWrite(h.w, line, jsontext.AllowInvalidUTF8(true), jsonv1.FormatDurationAsNano(true)); h.err == nil {
		h.err = h.w.WriteByte('\n')
	}
}
