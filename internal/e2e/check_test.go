package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// mustHold fails the test if the guarantees do not hold on the operations and
// on the table, which was empty before, and keeps both as evidence.
func mustHold(t *testing.T, operations []operation, table []message) {
	t.Helper()
	violations := check(operations, table)
	if len(violations) == 0 {
		return
	}
	for _, v := range violations[:min(10, len(violations))] {
		t.Error(v)
	}
	if more := len(violations) - 10; more > 0 {
		t.Errorf("and %d more", more)
	}
	for name, v := range map[string]any{"operations.json": operations, "table.json": table} {
		data, err := json.MarshalIndent(v, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(t.ArtifactDir(), name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

var dateForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`)

// check returns every violation of G1 to G7 in the operations of a run on an
// empty log, and in the table that they left.
func check(operations []operation, table []message) (violations []string) {
	report := func(format string, args ...any) { violations = append(violations, fmt.Sprintf(format, args...)) }

	// The table: G3, G4, G5.
	counts := map[string]int64{}
	for i, m := range table {
		if m.Seq != int64(i+1) {
			report("G3: row %d of the table has seq %d", i+1, m.Seq)
		}
		if counts[m.Sender]++; m.SenderCount != counts[m.Sender] {
			report("G4: %s's message number %d, at seq %d, has sender_count %d", m.Sender, counts[m.Sender], m.Seq, m.SenderCount)
		}
		if !dateForm.MatchString(m.SentAt) {
			report("G5: seq %d has the date %q", m.Seq, m.SentAt)
		}
		if i > 0 && m.SentAt < table[i-1].SentAt { // the form orders dates as text
			report("G5: the date of seq %d, %s, is before that of seq %d, %s", m.Seq, m.SentAt, table[i-1].Seq, table[i-1].SentAt)
		}
	}

	// Each answer against the table, which holds what answers must have shown:
	// a window that equals its part of the table has no gap, no future, and
	// what is stored. It also outlived whatever happened since: G6.
	answered := map[int64]operation{}
	sent := map[string]operation{} // by text
	for _, op := range operations {
		sent[op.Text] = op
		if !op.OK {
			continue
		}
		if len(op.Window) == 0 {
			report("G2: %q was answered with no message", op.Text)
			continue
		}
		own := op.Window[len(op.Window)-1]
		if own.Sender != op.Sender || own.Text != op.Text {
			report("G1: the window of %q ends in %q", op.Text, own.Text)
		}
		if other, dup := answered[own.Seq]; dup {
			report("G3: seq %d was given to %q and to %q", own.Seq, other.Text, op.Text)
		}
		answered[own.Seq] = op
		if own.Seq < 1 || own.Seq > int64(len(table)) {
			report("G6: seq %d, %q, was answered and is not in the table", own.Seq, op.Text)
			continue
		}
		if want := table[max(0, own.Seq-10):own.Seq]; !slices.Equal(op.Window, want) {
			report("G1, G2: the window of seq %d is\n%v, want\n%v", own.Seq, op.Window, want)
		}
	}

	// The other way round: nothing is in the table that was not sent, and
	// nothing twice.
	seen := map[string]int64{}
	for _, m := range table {
		op, ok := sent[m.Text]
		switch {
		case !ok || op.Sender != m.Sender:
			report("garbage: nobody sent what is at seq %d: %q of %s", m.Seq, m.Text, m.Sender)
		case seen[m.Text] != 0:
			report("G8: %q is stored twice, at seq %d and %d", m.Text, seen[m.Text], m.Seq)
		case op.OK && answered[m.Seq].Text != m.Text:
			report("G6: %q is stored at seq %d and was answered as another", m.Text, m.Seq)
		default:
			if stored, err := time.Parse(time.RFC3339, m.SentAt); err == nil && op.OK && !within(stored, op.Call, op.Return) {
				report("G5: seq %d has the date %s, but was sent at %v and answered at %v", m.Seq, m.SentAt, op.Call, op.Return)
			}
		}
		seen[m.Text] = m.Seq
	}

	// G7: in the order of seq, no operation returned before an earlier one in the log
	// was called.
	ordered := make([]int64, 0, len(answered))
	for seq := range answered {
		ordered = append(ordered, seq)
	}
	slices.SortFunc(ordered, cmp.Compare[int64])
	var latest operation // of those before, the one called last
	for _, seq := range ordered {
		op := answered[seq]
		if !latest.Call.IsZero() && op.Return.Before(latest.Call) {
			report("G7: seq %d, %q, was answered before %q, which has a lower seq, was sent", seq, op.Text, latest.Text)
		}
		if op.Call.After(latest.Call) {
			latest = op
		}
	}
	return violations
}

// within allows for dates kept in microseconds. The database's clock is this
// machine's, so there is no other allowance; a date may only be later than its
// own request because it never goes back, which on one machine it does not.
func within(at, from, to time.Time) bool {
	return !at.Before(from.Add(-time.Millisecond)) && !at.After(to.Add(time.Millisecond))
}

// Each change to a correct history must be found, and found as what it is.
func TestCheckFindsViolations(t *testing.T) {
	base := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	history := func() (operations []operation, table []message) {
		for i := range int64(12) {
			m := message{
				Seq: i + 1, Sender: []string{"a", "b"}[i%2], SenderCount: i/2 + 1, Text: fmt.Sprint("text ", i),
				SentAt: base.Add(time.Duration(i) * time.Second).Format(wireDate),
			}
			table = append(table, m)
			operations = append(operations, operation{
				Sender: m.Sender, Text: m.Text, OK: true, Window: slices.Clone(table[max(0, i-9):]),
				// Neighbours overlap.
				Call:   base.Add(time.Duration(i)*time.Second - 600*time.Millisecond),
				Return: base.Add(time.Duration(i)*time.Second + 600*time.Millisecond),
			})
		}
		return operations, table
	}
	if got := check(history()); len(got) > 0 {
		t.Fatalf("violations in a correct history: %q", got)
	}

	for _, tt := range []struct {
		name, want string
		spoil      func(ops []operation, table []message) ([]operation, []message)
	}{
		{"a later message in a window", "G1", func(ops []operation, table []message) ([]operation, []message) {
			ops[5].Window = append(ops[5].Window, table[6])
			return ops, table
		}},
		{"a message missing from a window", "G1, G2", func(ops []operation, table []message) ([]operation, []message) {
			ops[8].Window = slices.Delete(ops[8].Window, 3, 4)
			return ops, table
		}},
		{"eleven messages", "G1, G2", func(ops []operation, table []message) ([]operation, []message) {
			ops[11].Window = slices.Clone(table[1:12])
			return ops, table
		}},
		{"an empty window", "G2", func(ops []operation, table []message) ([]operation, []message) {
			ops[3].Window = nil
			return ops, table
		}},
		{"other text shown than stored", "G1, G2", func(ops []operation, table []message) ([]operation, []message) {
			ops[8].Window[4].Text = "other"
			return ops, table
		}},
		{"one seq twice", "G3: seq 3", func(ops []operation, table []message) ([]operation, []message) {
			ops[3].Window = append(slices.Clone(table[:2]), message{Seq: 3, Sender: ops[3].Sender, Text: ops[3].Text})
			return ops, table
		}},
		{"a hole in seq", "G3: row", func(ops []operation, table []message) ([]operation, []message) {
			table[11].Seq = 13
			return ops, table
		}},
		{"a counter twice", "G4", func(ops []operation, table []message) ([]operation, []message) {
			table[11].SenderCount--
			return ops, table
		}},
		{"a date that goes back", "G5: the date of", func(ops []operation, table []message) ([]operation, []message) {
			table[7].SentAt = base.Format(wireDate)
			return ops, table
		}},
		{"a date of another form", "G5: seq", func(ops []operation, table []message) ([]operation, []message) {
			table[11].SentAt = "2026-11-24T10:00:11Z"
			return ops, table
		}},
		{"a date before the request", "G5: seq 12", func(ops []operation, table []message) ([]operation, []message) {
			ops[11].Call = ops[11].Call.Add(time.Second)
			return ops, table
		}},
		{"an answered message lost", "G6", func(ops []operation, table []message) ([]operation, []message) {
			return ops, table[:11]
		}},
		{"answered as another", "G6", func(ops []operation, table []message) ([]operation, []message) {
			ops[4].Window = nil
			return ops, table
		}},
		{"answered before an earlier one was sent", "G7", func(ops []operation, table []message) ([]operation, []message) {
			ops[6].Call = ops[7].Return.Add(time.Millisecond)
			return ops, table
		}},
		{"stored twice", "G8", func(ops []operation, table []message) ([]operation, []message) {
			return ops, append(table, message{Seq: 13, Sender: "a", SenderCount: 7, Text: "text 0", SentAt: table[11].SentAt})
		}},
		{"stored but never sent", "garbage", func(ops []operation, table []message) ([]operation, []message) {
			return ops, append(table, message{Seq: 13, Sender: "a", SenderCount: 7, Text: "?", SentAt: table[11].SentAt})
		}},
	} {
		found := check(tt.spoil(history()))
		if !slices.ContainsFunc(found, func(v string) bool { return strings.HasPrefix(v, tt.want) }) {
			t.Errorf("%s: check = %q, want one that begins with %q", tt.name, found, tt.want)
		}
	}
}
