package verify

import (
	"fmt"
	"slices"
)

// A Check is one row of the table of what is checked.
type Check uint8

const (
	InternalConsistency Check = iota // a window shows the own message, as it was sent
	Order                            // a window rises by seq, up to the own message
	Contiguous                       // no seq is missing, in a window or in the log
	Agreement                        // one seq shows one content
	Duplicate                        // one nonce, one seq, one acknowledgement
	LostWrite                        // what was acknowledged is in every later window that must hold it
	FutureRead                       // nothing with a higher seq than the own message, nothing that was not sent yet
	RealTimeOrder                    // answered before the other was sent: the lower seq
	Counters                         // per sender 1, 2, 3 … in order of seq
	Dates                            // never decreasing along seq, and within the operation's time
	AbortedRead                      // what certainly failed is not in the log
	GarbageRead                      // only what was sent, as it was sent
	ExactlyOnce                      // an operation sent again is in the log once, with one answer
	numChecks
)

// A row is what is known of a check before any run.
type row struct {
	name  string
	unit  string // of what it looks at and counts, in the singular
	needs Fields // it cannot be made if answers show none of these; 0: it always can
	uses  Fields // part of it cannot be made for each of these that answers do not show

	beyond bool // it asks for more than the task does: see Check.Beyond
}

// rows are the table of checks.
var rows = [numChecks]row{
	InternalConsistency: {name: "internal consistency", unit: "window", uses: Text | Sender},
	Order:               {name: "order", unit: "window", uses: Text | Seq, beyond: true},
	Contiguous:          {name: "contiguous windows, no gap", unit: "window", uses: Seq},
	Agreement:           {name: "agreement", unit: "entry cross-checked", uses: Seq},
	Duplicate:           {name: "duplicate", unit: "acknowledged message", uses: Text | Seq},
	LostWrite:           {name: "lost write", unit: "place of an older message in a window", needs: Text | Seq},
	FutureRead:          {name: "future read", unit: "window", uses: Text},
	RealTimeOrder:       {name: "real-time order", unit: "operation in order", uses: Seq, beyond: true},
	Counters:            {name: "counters", unit: "counter", needs: SenderCount, uses: Seq},
	Dates:               {name: "dates", unit: "date", needs: SentAt, uses: Seq, beyond: true},
	AbortedRead:         {name: "aborted read", unit: "failed request", needs: Text},
	GarbageRead:         {name: "garbage read", unit: "message compared with what was sent", needs: Text, uses: Sender},
	ExactlyOnce:         {name: "exactly once", unit: "request sent again", uses: Text},
}

// String is the check's name in the field's words.
func (c Check) String() string { return rows[c].name }

// Beyond reports whether the check asks for more than the task that these servers solve
// names: that an answer holds no later message and skips none, and that neither seqs nor
// a sender's counters collide.
func (c Check) Beyond() bool { return rows[c].beyond }

// Unit is what the check counts, in the singular.
func (c Check) Unit() string { return rows[c].unit }

// MarshalText writes the name.
func (c Check) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads it.
func (c *Check) UnmarshalText(text []byte) error {
	i := slices.IndexFunc(rows[:], func(r row) bool { return r.name == string(text) })
	if i < 0 {
		return fmt.Errorf("%q is no check", text)
	}
	*c = Check(i)
	return nil
}

// Checks are all of them, in the order of the table.
func Checks() []Check {
	all := make([]Check, numChecks)
	for i := range all {
		all[i] = Check(i)
	}
	return all
}
