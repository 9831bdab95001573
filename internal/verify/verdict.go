package verify

import (
	"fmt"
	"slices"
)

// A Status is what a verdict comes to.
type Status uint8

const (
	Verified     Status = iota // every check that could be made holds
	Violated                   // at least one does not
	Inconclusive               // none is broken, but the run could not have shown a fault
)

var statusNames = [...]string{Verified: "verified", Violated: "violated", Inconclusive: "inconclusive"}

func (s Status) String() string { return statusNames[s] }

// MarshalText writes the status's name.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads it.
func (s *Status) UnmarshalText(text []byte) error {
	i := slices.Index(statusNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("%q is no verdict", text)
	}
	*s = Status(i)
	return nil
}

// A Verdict is what a run has shown.
type Verdict struct {
	Status  Status     `json:"status"`
	Reasons []Sentence `json:"reasons,omitempty"` // why it is inconclusive

	// Causes are what is wrong with the list of replicas, and explains all
	// else: different logs are a violation, and one server listed as several
	// leaves the run inconclusive.
	Causes []Sentence `json:"causes,omitempty"`

	// CounterExample is the one violation to look at first, nil if there is none.
	CounterExample *Violation `json:"counter_example,omitempty"`

	// BeyondTask says that nothing is violated but what goes beyond the task: see
	// Check.Beyond.
	BeyondTask bool `json:"beyond_task,omitempty"`

	Notes []Sentence `json:"notes,omitempty"` // what is worth knowing, and is no fault

	Checks []CheckResult `json:"checks"` // one for each Check, in the order of the table
	Counts Counts        `json:"counts"`

	OtherWriters bool `json:"other_writers,omitempty"` // others wrote to the log during the run
	CutOff       bool `json:"cut_off,omitempty"`       // the history ends before its end
}

// A CheckResult is what one check saw and found.
type CheckResult struct {
	Check      Check       `json:"check"`
	Saw        int64       `json:"saw"`
	Unit       string      `json:"unit"` // of Saw, in the plural: "windows", "entries cross-checked" …
	Violations int64       `json:"violations"`
	Worst      []Violation `json:"worst,omitempty"` // up to eight, the worst first

	// Partial says that messages were passed by, as Limit tells: the check has not passed.
	Partial bool `json:"partial,omitempty"`

	// NotCheckable says why the check could not be made; then it has not
	// passed either. Limit says which part of it could not be made.
	NotCheckable Sentence `json:"not_checkable,omitzero"`
	Limit        Sentence `json:"limit,omitzero"`
}
