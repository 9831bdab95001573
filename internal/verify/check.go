package verify

import (
	"fmt"
	"slices"
)

// A Check is one row of the table of what is checked.
type Check uint8

const (
	InternalConsistency Check = iota // a window ends in the own message, as it was sent
	Contiguous                       // no seq is missing, in a window or in the log
	Agreement                        // one seq shows one content
	Duplicate                        // one nonce, one seq, one acknowledgement
	LostWrite                        // what was acknowledged is in every later window that must hold it
	FutureRead                       // nothing after the own message, nothing that was not sent yet
	RealTimeOrder                    // answered before the other was sent: the lower seq
	Counters                         // per sender 1, 2, 3 … in order of seq
	Dates                            // never decreasing along seq, and within the operation's time
	AbortedRead                      // what certainly failed is not in the log
	GarbageRead                      // only what was sent, as it was sent
	ExactlyOnce                      // an operation sent again is in the log once, with one answer
	numChecks
)

var checkNames = [numChecks]string{
	InternalConsistency: "internal consistency",
	Contiguous:          "contiguous windows, no gap",
	Agreement:           "agreement",
	Duplicate:           "duplicate",
	LostWrite:           "lost write",
	FutureRead:          "future read",
	RealTimeOrder:       "real-time order",
	Counters:            "counters",
	Dates:               "dates",
	AbortedRead:         "aborted read",
	GarbageRead:         "garbage read",
	ExactlyOnce:         "exactly once",
}

// String is the check's name in the field's words.
func (c Check) String() string { return checkNames[c] }

var checkUnits = [numChecks]string{
	InternalConsistency: "window",
	Contiguous:          "window",
	Agreement:           "entry cross-checked",
	Duplicate:           "acknowledged message",
	LostWrite:           "place of an older message in a window",
	FutureRead:          "window",
	RealTimeOrder:       "operation in order",
	Counters:            "counter",
	Dates:               "date",
	AbortedRead:         "failed request",
	GarbageRead:         "message compared with what was sent",
	ExactlyOnce:         "request sent again",
}

// Unit is what the check counts, in the singular.
func (c Check) Unit() string { return checkUnits[c] }

// MarshalText writes the name.
func (c Check) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads it.
func (c *Check) UnmarshalText(text []byte) error {
	i := slices.Index(checkNames[:], string(text))
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
