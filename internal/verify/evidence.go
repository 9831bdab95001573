package verify

import (
	"fmt"
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

	// Inferred says that the server shows no seq. Seq and the places of the
	// witnesses are then inferred from how the windows overlap. A window fixes
	// how far its messages are apart, but not where the log begins.
	Inferred bool `json:"inferred_places,omitempty"`

	// Session names the session guarantees that are broken too, when both
	// operations are one worker's own.
	Session []string `json:"session,omitempty"`

	// Witnesses are the one or two operations that cannot both be true.
	Witnesses []Witness `json:"witnesses"`
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

// String describes the case in plain words: which operations, on which replicas,
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

// String describes the operation in plain words, its window in a second line.
func (n Witness) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "worker %d, request %d", n.Worker, n.Number)
	if n.Sentinel {
		b.WriteString(" (sentinel)")
	}
	switch {
	case n.Forgotten:
		return b.String() + ", long ago: " + n.Outcome
	case n.Outcome == "never sent":
		return b.String() + ": never sent"
	case n.Outcome == "in flight":
		return b.String() + fmt.Sprintf(" from sender %q: sent at %s, not answered yet", n.Sender, n.Call)
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
