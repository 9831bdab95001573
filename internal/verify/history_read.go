package verify

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// maxLine is the longest line that ReadHistory takes, in bytes.
const maxLine = 16 << 20

// ReadHistory judges a stored history, plain or gzipped, and comes to the
// verdict of the live run. It hands every operation to each as well, unless
// that is nil. A history that was cut off, even in the middle of a line, is
// judged as far as it goes, and the verdict says so.
func ReadHistory(r io.Reader, each func(*Operation)) (*Verdict, Config, error) {
	lines, err := historyLines(r)
	if err != nil {
		return nil, Config{}, fmt.Errorf("history: %w", err)
	}
	cfg, err := readHead(lines)
	if err != nil {
		return nil, cfg, fmt.Errorf("history: %w", err)
	}
	h := &historyReader{
		lines: lines, cfg: &cfg, verifier: New(cfg), each: each, entries: make([]*Entry, backSize), by: make(map[int]*Identity),
	}
	if h.verifier.facts.missingOps, err = h.operations(); err != nil {
		return nil, cfg, fmt.Errorf("history: %w", err)
	}
	return h.verifier.Verdict(), cfg, nil
}

// readHead reads the first line.
func readHead(lines *bufio.Scanner) (Config, error) {
	if !lines.Scan() {
		if err := lines.Err(); err != nil {
			return Config{}, fmt.Errorf("line 1 cannot be read: %w", err)
		}
		return Config{}, errors.New("the file is empty")
	}
	line := lines.Bytes()
	if bytes.HasPrefix(line, []byte("\ufeff")) {
		return Config{}, errors.New("line 1 begins with a byte order mark; store the file as UTF-8 without one")
	}
	if !bytes.Contains(line, []byte(`"dummymessenger_history"`)) {
		return Config{}, errors.New("not what client --history has written: line 1 has no key dummymessenger_history")
	}
	var head headLine
	err := json.Unmarshal(line, &head, jsonv1.FormatDurationAsNano(true))
	switch {
	case err != nil:
		err = plainError(err)
	case head.History != historyVersion:
		return Config{}, fmt.Errorf("version %d is not known, only %d is", head.History, historyVersion)
	default:
		err = checkConfig(head.Config)
	}
	if err != nil {
		return head.Config, fmt.Errorf("line 1, the head: %w", err)
	}
	return head.Config, nil
}

const (
	maxWindow  = 1000
	maxUnnamed = 1000 // replicas; callers may keep something of each
)

// checkConfig returns what is wrong with the head of a history.
func checkConfig(cfg Config) error {
	switch {
	case !validRun(cfg.Run):
		return fmt.Errorf("run is %q, and must be 1 to %d letters and digits", cfg.Run, maxRun)
	case cfg.WindowSize < 0 || cfg.WindowSize > maxWindow:
		return fmt.Errorf("window_size is %d, and must be 1 to %d", cfg.WindowSize, maxWindow)
	case cfg.Workers < 0:
		return fmt.Errorf("workers is %d, which is below 0", cfg.Workers)
	case cfg.ClockAllowance < 0:
		return fmt.Errorf("clock_allowance_ns is %d, which is below 0", cfg.ClockAllowance.Nanoseconds())
	}
	return nil
}

// plainError returns a JSON error without Go's wording.
func plainError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the line ends in the middle of its JSON")
	}
	e, ok := errors.AsType[*json.SemanticError](err)
	if !ok || e.JSONPointer == "" {
		return err
	}
	path := strings.ReplaceAll(strings.Trim(string(e.JSONPointer), "/"), "/", ".")
	if e.Err != nil {
		return fmt.Errorf("%s: %w", path, e.Err)
	}
	return fmt.Errorf("%s is of the wrong type", path)
}

func historyLines(r io.Reader) (*bufio.Scanner, error) {
	b := bufio.NewReader(r)
	if magic, _ := b.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, err
		}
		z.Multistream(false)
		r = &gunzip{z, b}
	} else {
		r = b
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 1<<16), maxLine)
	return lines, nil
}

// A gunzip reads one gzip member after the other. Unlike gzip.Reader, it
// distinguishes a file that is cut off from one with trailing garbage.
type gunzip struct {
	member *gzip.Reader
	from   *bufio.Reader
}

func (g *gunzip) Read(p []byte) (int, error) {
	n, err := g.member.Read(p)
	if err != io.EOF {
		return n, err
	}
	switch magic, _ := g.from.Peek(2); {
	case len(magic) == 0:
		return n, io.EOF
	case string(magic) != "\x1f\x8b":
		return n, errors.New("something else follows the compressed data")
	}
	if err := g.member.Reset(g.from); err != nil {
		return n, err
	}
	g.member.Multistream(false)
	return n, nil
}

// A historyReader reads the lines after the first one, and resolves references
// to entries further up.
type historyReader struct {
	lines    *bufio.Scanner
	cfg      *Config
	verifier *Verifier
	each     func(*Operation)  // may be nil
	entries  []*Entry          // by seq modulo their number
	by       map[int]*Identity // who answered last at each replica
}

// operations reads all lines. It returns how many are missing according to the
// last one, or unknownMany if the last one is missing.
func (h *historyReader) operations() (missing int64, err error) {
	count := int64(0)
	for n := 2; h.lines.Scan(); n++ {
		l, cut, err := readLine(h.lines.Bytes())
		switch {
		case err != nil && cut && !h.lines.Scan():
			return unknownMany, corruption(h.lines.Err(), count)
		case err != nil:
		case l.End != nil:
			return readEnd(h.lines, n, l.End.Operations, count)
		case l.Floor != 0:
			h.verifier.setFloor(l.Floor)
			continue
		default:
			err = h.operation(l)
		}
		if err != nil {
			return 0, fmt.Errorf("line %d: %w", n, err)
		}
		count++
	}
	return unknownMany, corruption(h.lines.Err(), count)
}

// unknownMany means that the last line is missing, so the number of missing
// lines is unknown.
const unknownMany = -1

// readLine parses one line. If it is no JSON at all it may have been cut off,
// which the last line of a file may be.
func readLine(line []byte) (l *operationLine, cut bool, err error) {
	if len(bytes.TrimSpace(line)) == 0 {
		return nil, false, errors.New("it is blank")
	}
	l = &operationLine{Operation: Operation{Tries: 1}}
	if err := json.Unmarshal(line, l, jsonv1.FormatDurationAsNano(true)); err != nil {
		_, wrong := errors.AsType[*json.SemanticError](err)
		return nil, !wrong, plainError(err)
	}
	return l, false, nil
}

// readEnd returns how many operations are missing according to line n, which
// says how many there were. Line n must be the last.
func readEnd(lines *bufio.Scanner, n int, stated, count int64) (missing int64, err error) {
	if lines.Scan() {
		return 0, fmt.Errorf("line %d comes after the end", n+1)
	}
	// The checksum of a compressed history comes last of all.
	switch err := lines.Err(); {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return unknownMany, nil
	case err != nil:
		return 0, fmt.Errorf("the file is corrupt: %w", err)
	case stated < count:
		return 0, fmt.Errorf("line %d says that there are %s, and there are %d", n, Quantity{stated, "operation"}, count)
	}
	return stated - count, nil
}

// corruption returns what is wrong with a file that has no last line, nil if it
// may just be cut off.
func corruption(err error, count int64) error {
	switch {
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("the line after %s is longer than %d MiB", Quantity{count, "operation"}, maxLine>>20)
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("after %s: the file is corrupt: %w", Quantity{count, "operation"}, err)
	}
	return nil
}

// operation judges the operation of a line.
func (h *historyReader) operation(l *operationLine) error {
	op, outcome := &l.Operation, slices.Index(outcomeNames[:], l.Outcome)
	switch {
	case l.Outcome == "":
		return errors.New("it has no outcome, so it is no operation, and it is no floor and no end either")
	case outcome < 0:
		return fmt.Errorf("outcome %q is none of ok, failed, unknown", l.Outcome)
	case op.Worker < 0 || op.Worker > maxOrdinal || op.Number < 0 || op.Number > maxOrdinal || op.Replica < 0 || op.Replica > math.MaxInt16:
		return errors.New("worker, number or replica is out of bounds")
	case op.Tries < 1:
		return fmt.Errorf("tries is %d, and must be at least 1", op.Tries)
	case op.Return < op.Call:
		return errors.New("it returned before it was called")
	}
	op.Outcome = Outcome(outcome)
	if op.By != nil {
		h.by[op.Replica] = op.By
	}
	op.By = h.by[op.Replica]
	var err error
	if op.Window, err = h.window(l.Window); err != nil {
		return err
	}
	if op.Replay, err = h.window(l.Replay); err != nil {
		return err
	}
	switch named := len(h.cfg.Replicas); {
	case named > 0 && op.Replica >= named:
		return fmt.Errorf("replica is %d, and the head names %s, from 0", op.Replica, Quantity{int64(named), "replica"})
	case named == 0 && op.Replica >= maxUnnamed:
		return fmt.Errorf("replica is %d, and must be below %d where the head names none", op.Replica, maxUnnamed)
	case h.verifier.hasReturned(op.ref()):
		return fmt.Errorf("worker %d has its operation %d twice", op.Worker, op.Number)
	}
	h.verifier.Return(op)
	if h.each != nil {
		h.each(op)
	}
	return nil
}

func (p *place) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case '0':
		return json.UnmarshalDecode(d, &p.seq)
	case 'n':
		return errors.New("an entry of a window is null")
	}
	p.entry = new(Entry)
	return json.UnmarshalDecode(d, p.entry)
}

func (h *historyReader) window(places []place) ([]*Entry, error) {
	if places == nil {
		return nil, nil
	}
	w := make([]*Entry, len(places))
	for i, p := range places {
		if p.entry != nil {
			w[i] = p.entry
			if p.entry.Seq > 0 {
				h.entries[p.entry.Seq%backSize] = p.entry
			}
			continue
		}
		if p.seq > 0 {
			w[i] = h.entries[p.seq%backSize]
		}
		if w[i] == nil || w[i].Seq != p.seq {
			return nil, fmt.Errorf("a window refers to seq %d, which no line above shows", p.seq)
		}
	}
	return w, nil
}
