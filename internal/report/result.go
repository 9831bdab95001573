// Package report renders what measure and verify say of a run. It is pure: it
// reads no clock, no file and no network.
package report

import (
	"io"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"dummymessenger/internal/measure"
	"dummymessenger/internal/verify"
)

// A Result is all that one call of the client found, as --json writes it.
type Result struct {
	Schema  int    `json:"schema"`  // SchemaVersion
	Version string `json:"version"` // of the client

	Run     *measure.Run    `json:"run,omitzero"`     // absent if a stored history was judged
	Verdict *verify.Verdict `json:"verdict,omitzero"` // absent after --no-verify

	Crossed []verify.Sentence `json:"crossed,omitzero"` // thresholds that were not kept, in words
	Exit    int               `json:"exit"`             // the exit status
}

// Causes returns what explains all else, to be said first: one server listed as
// several replicas, or servers of different logs.
func (r *Result) Causes() []verify.Sentence {
	switch {
	case r.Verdict != nil:
		return r.Verdict.Causes
	case r.Run == nil:
		return nil
	}
	var urls []string
	var at verify.Identities
	for _, replica := range r.Run.Replicas {
		urls, at = append(urls, replica.URL), append(at, replica.Servers)
	}
	return slices.Concat(at.SeveralLogs(urls), at.OneServer(urls))
}

// SchemaVersion grows when a field changes its meaning or goes away.
const SchemaVersion = 1

// WriteJSON writes r as one indented JSON object.
func WriteJSON(w io.Writer, r *Result) error {
	if err := json.MarshalWrite(w, r, jsontext.WithIndent("  "), json.Deterministic(true)); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
