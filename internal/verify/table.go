package verify

import (
	"fmt"
	"slices"
)

// rows are the table of checks.
var rows = [numChecks]row{
	InternalConsistency: consistencyRow,
	Contiguous:          contiguousRow,
	Agreement:           agreementRow,
	Duplicate:           duplicateRow,
	LostWrite:           lostWriteRow,
	FutureRead:          futureReadRow,
	RealTimeOrder:       realTimeRow,
	Counters:            countersRow,
	Dates:               datesRow,
	AbortedRead:         abortedReadRow,
	GarbageRead:         garbageReadRow,
	ExactlyOnce:         exactlyOnceRow,
}

// String is the check's name in the field's words.
func (c Check) String() string { return rows[c].name }

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
