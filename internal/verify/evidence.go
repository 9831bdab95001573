package verify

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Violation is one case of a broken check, with its evidence.
type Violation struct {
	Check   Check  `json:"check"`
	Anomaly string `json:"anomaly"` // the field's word for it: "gap", "stale read" …

	// Why says in one sentence why this cannot be in a correct log.
	Why Sentence `json:"why"`

	// Seq is the place in the log where it shows, Size how bad it is among the
	// violations of its check: messages skipped, microseconds, and so on.
	Seq  int64 `json:"seq"`
	Size int64 `json:"size"`

	// Inferred tells that the server shows no seq: those here, and those of the
	// witnesses, are places inferred from how the windows overlap. A single
	// window says how far its messages are apart, and nothing says where the
	// log begins.
	Inferred bool `json:"inferred_places,omitempty"`

	// Session names the session guarantees that are broken too, when both
	// operations are one worker's own.
	Session []string `json:"session,omitempty"`

	// Witnesses are the one or two operations that cannot both be true.
	Witnesses []Witness `json:"witnesses"`

	refs []ref // of the witnesses
}

// A Witness is one operation as evidence.
type Witness struct {
	Worker   int     `json:"worker"`
	Number   int     `json:"number"`
	Replica  int     `json:"replica"`
	Name     string  `json:"replica_name,omitempty"` // the replica's, if Config has one
	Sender   string  `json:"sender"`
	Sentinel bool    `json:"sentinel,omitempty"`
	Call     Elapsed `json:"call"`
	Return   Elapsed `json:"return"`
	Outcome  string  `json:"outcome"` // "ok", "failed", "unknown", or "never sent"
	Seq      int64   `json:"seq"`     // its message's place in the log, 0 if unknown

	// Window is what its answer showed. Texts of old messages may be gone;
	// then only the nonce is left.
	Window []Entry `json:"window,omitempty"`

	// Forgotten: a streamed run no longer knows more than worker and number.
	Forgotten bool `json:"forgotten,omitempty"`
}

const worstKept = 8

// A result is what a check has found so far.
type result struct {
	count int64
	first *Violation
	worst []Violation // by Size, descending; the earlier found first
}

// report counts a violation and keeps it, with the evidence of the operations
// refs, if it is the first of its check or among the worst.
func (v *Verifier) report(n Violation, refs ...ref) {
	res := &v.results[n.Check]
	res.count++
	full := len(res.worst) == worstKept
	if full && n.Size <= res.worst[worstKept-1].Size {
		return
	}
	n.refs = refs
	if v.positions != nil {
		n.Inferred = true
		n.Why = n.Why.inferred()
	}
	for _, r := range refs {
		n.Witnesses = append(n.Witnesses, v.witness(r))
	}
	if res.first == nil {
		res.first = &n
	}
	if v.tally.firstViolation == nil {
		v.tally.firstViolation = &n
	}
	if full {
		res.worst = res.worst[:worstKept-1]
	}
	i := len(res.worst)
	for i > 0 && res.worst[i-1].Size < n.Size {
		i--
	}
	res.worst = slices.Insert(res.worst, i, n)
}

// refresh completes the evidence with what became known after it was found,
// such as how an operation ended that was still under way.
func (v *Verifier) refresh(res *result) {
	update := func(n *Violation) {
		for i, old := range n.Witnesses {
			now := v.witness(n.refs[i])
			if now.Forgotten {
				continue
			}
			if old.Window != nil {
				now.Window = old.Window
			}
			n.Witnesses[i] = now
		}
	}
	if res.first != nil {
		update(res.first)
	}
	for i := range res.worst {
		update(&res.worst[i])
	}
}

// witness puts together what is known of an operation.
func (v *Verifier) witness(r ref) Witness {
	rec := v.find(r)
	n := Witness{
		Worker: int(r.worker), Number: int(r.number), Replica: int(rec.replica), Sentinel: rec.is(sentinel),
		Call: Elapsed(rec.call), Return: Elapsed(rec.ret), Outcome: rec.outcome.String(), Seq: rec.seq, Forgotten: rec.is(forgotten),
	}
	switch {
	case !rec.is(sent):
		n.Outcome = "never sent"
	case !rec.is(returned):
		n.Outcome = "in flight"
	}
	if rec.is(sent) && !rec.is(forgotten) {
		n.Sender = v.names[rec.sender]
	}
	if rec.is(returned) && !rec.is(forgotten) && n.Replica >= 0 && n.Replica < len(v.cfg.Replicas) {
		n.Name = v.cfg.Replicas[n.Replica]
	}
	if op := v.merging; op != nil && op.ref() == r {
		n.Window = entries(op.Window)
	} else if rec.outcome == OK && rec.is(returned) {
		n.Window = v.window(r, rec)
	}
	return n
}

// window is what the answer to an operation showed: as it was remembered, or
// else read back from the log.
func (v *Verifier) window(r ref, rec *record) []Entry {
	if w, ok := v.odd[r]; ok {
		return w
	}
	if rec.seq == 0 {
		return nil
	}
	var w []Entry
	for s := max(1, rec.seq-int64(v.cfg.WindowSize)+1); s <= rec.seq; s++ {
		c := v.log.peek(s)
		if !c.is(seen) {
			continue
		}
		if e := v.recent[s%recentSize]; e != nil && e.Seq == s && v.hash(e.Sender, e.Text) == c.text {
			w = append(w, *e)
			continue
		}
		e := Entry{Seq: s, SenderCount: c.count, SentAt: c.sentAt}
		if c.sender >= 0 {
			e.Sender = v.names[c.sender]
		}
		if c.is(ours) {
			e.Text = Nonce{v.cfg.Run, int(c.owner.worker), int(c.owner.number)}.String()
		}
		w = append(w, e)
	}
	return w
}

// entries copies a window, since its Entries belong to the caller.
func entries(w []*Entry) []Entry {
	all := make([]Entry, len(w))
	for i, e := range w {
		all[i] = *e
	}
	return all
}

// String tells the case in plain words: which operations, on which replicas,
// what each saw, and why they cannot both be true.
func (n Violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s) at %s: %s.\n", n.Check, n.Anomaly, n.Place(), n.Why)
	if n.Session != nil {
		fmt.Fprintf(&b, "Both are one worker's own, so this breaks %s too.\n", strings.Join(n.Session, ", "))
	}
	for i, w := range n.Witnesses {
		fmt.Fprintf(&b, "%d. %s\n", i+1, w)
	}
	return b.String()
}

// Place says where in the log it shows, and whether the server said so.
func (n *Violation) Place() Sentence {
	if n.Inferred {
		return say(InferredPlace, n.Seq)
	}
	return say(StatedPlace, n.Seq)
}

// String tells the operation in plain words, its window in a second line.
func (n Witness) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "worker %d, request %d", n.Worker, n.Number)
	if n.Sentinel {
		b.WriteString(" (sentinel)")
	}
	if n.Forgotten {
		fmt.Fprintf(&b, ", long ago: %s", n.Outcome)
		return b.String()
	}
	if n.Outcome == "never sent" {
		b.WriteString(": never sent")
		return b.String()
	}
	if n.Outcome == "in flight" {
		fmt.Fprintf(&b, " from sender %q: sent at %s, not answered yet", n.Sender, n.Call)
		return b.String()
	}
	fmt.Fprintf(&b, " from sender %q to replica %d", n.Sender, n.Replica+1)
	if n.Name != "" {
		fmt.Fprintf(&b, " (%s)", n.Name)
	}
	fmt.Fprintf(&b, ": sent at %s, ended at %s, %s", n.Call, n.Return, n.Outcome)
	if n.Seq != 0 {
		fmt.Fprintf(&b, ", seq %d", n.Seq)
	}
	if n.Window != nil {
		b.WriteString("\n   it saw")
		for _, e := range n.Window {
			fmt.Fprintf(&b, " %d", e.Seq)
			if nonce, ok := FindNonce(e.Text); ok {
				fmt.Fprintf(&b, "=%d/%d", nonce.Worker, nonce.Number)
			}
			if e.Sender != "" || e.SenderCount != 0 {
				fmt.Fprintf(&b, "(%s %d)", e.Sender, e.SenderCount)
			}
		}
	}
	return b.String()
}

// Elapsed is a time.Duration from the run's start, in nanoseconds as JSON.
type Elapsed int64

// String shows it in seconds.
func (e Elapsed) String() string { return fmt.Sprintf("%.6f s", time.Duration(e).Seconds()) }

// date is a sent_at as the wire shows it.
func date(micros int64) string {
	return time.UnixMicro(micros).UTC().Format("2006-01-02T15:04:05.000000Z")
}
