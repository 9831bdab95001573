package verify

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Fields is a set of the five fields of a message.
type Fields uint8

const (
	Seq Fields = 1 << iota
	Sender
	SenderCount
	Text
	SentAt
)

var fieldNames = [...]string{"seq", "sender", "sender_count", "text", "sent_at"}

// Has reports whether f holds all of g.
func (f Fields) Has(g Fields) bool { return f&g == g }

// String lists the fields by their names in our own server's answers.
func (f Fields) String() string {
	var names []string
	for i, name := range fieldNames {
		if f.Has(1 << i) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// MarshalText writes f as String does.
func (f Fields) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (f *Fields) UnmarshalText(text []byte) error {
	*f = 0
	for name := range strings.SplitSeq(string(text), ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		i := slices.Index(fieldNames[:], name)
		if i < 0 {
			return fmt.Errorf("%q is no field of a message; there are %s", name, strings.Join(fieldNames[:], ", "))
		}
		*f |= 1 << i
	}
	return nil
}

// An Injection is a stretch of time in which something was done to the servers, such as
// a fault. Its ends are microseconds since the Unix epoch.
type Injection struct {
	From  int64  `json:"from"`
	To    int64  `json:"to"`
	Label string `json:"label"`
}

// A Config says what the run was, as far as its verdict depends on it.
type Config struct {
	// Run is the run's id in all its nonces: 1 to 32 ASCII letters and digits.
	Run string `json:"run"`

	// Workers is how many the run had. It is for the reader only.
	Workers int `json:"workers"`

	// Replicas are the names, such as URLs, of the replicas that the run was to
	// use, and Senders the senders. One that got no message makes the verdict
	// inconclusive. Empty: not looked at.
	Replicas []string `json:"replicas"`
	Senders  []string `json:"senders"`

	// Start is the wall clock at the run's start in microseconds since the
	// Unix epoch. 0: unknown, so dates are not compared with the operations' times.
	Start int64 `json:"start,omitzero"`

	// ClockAllowance is how far the server's clock may be from the client's.
	// 0 is DefaultClockAllowance.
	ClockAllowance time.Duration `json:"clock_allowance_ns,omitzero"`

	// Missing are the fields that the server's answers do not show.
	Missing Fields `json:"missing,omitzero"`

	// WindowSize is the most messages that an answer holds. 0 is messenger.WindowSize.
	WindowSize int `json:"window_size,omitzero"`

	// AnyStart says that the log may begin at any seq, as in a table of a
	// foreign server whose rows were deleted and whose sequence goes on: a
	// window may be shorter when nothing below it is known.
	AnyStart bool `json:"any_start,omitzero"`

	// Gapless says that the server promises seqs without holes. Without AnyStart it is
	// taken for granted; with it, a seq that no answer shows is only noted.
	Gapless bool `json:"gapless,omitzero"`

	// OwnSender says that an answer holds the last messages of its own sender only,
	// as the server means it to.
	OwnSender bool `json:"own_sender,omitzero"`

	// Injected is what was done to the servers meanwhile. It is for the reader only.
	Injected []Injection `json:"injected,omitempty"`

	// OwnCount says that answers show the own message's sender_count only, as
	// Operation.Count.
	OwnCount bool `json:"own_count,omitzero"`

	// MinOperations is how many answered operations a run needs in order to
	// prove anything. 0 is defaultMinOperations; below 0, none is needed.
	MinOperations int `json:"min_operations,omitzero"`

	// Stream forgets what no correct answer can touch any more, so that memory
	// does not grow with the run. It needs Call before each Return, and seq.
	Stream bool `json:"stream,omitzero"`
}

const (
	DefaultClockAllowance = 2 * time.Second
	defaultMinOperations  = 100
)
