package nemesis

import (
	"fmt"
	"strings"
	"testing"

	"dummymessenger/internal/verify"
)

// history is twelve answered operations of two senders, one that failed and
// one that is unknown, and the table that they left.
func history() (ops []*verify.Operation, table []verify.Entry) {
	for i := range int64(12) {
		table = append(table, verify.Entry{
			Seq: i + 1, Sender: []string{"a", "b"}[i%2], SenderCount: i/2 + 1, Text: fmt.Sprint("text ", i), SentAt: 1000 + i,
		})
		op := &verify.Operation{Sender: table[i].Sender, Text: table[i].Text, Outcome: verify.OK}
		for _, e := range table[max(0, i-9):] {
			op.Window = append(op.Window, &e)
		}
		ops = append(ops, op)
	}
	return append(ops,
		&verify.Operation{Sender: "a", Text: "failed", Outcome: verify.Failed},
		&verify.Operation{Sender: "a", Text: "unknown", Outcome: verify.Unknown},
	), table
}

func TestCompare(t *testing.T) {
	if wrong := Compare(history()); wrong != nil {
		t.Fatalf("Compare of a correct history = %q", wrong)
	}
	row := func(table []verify.Entry, text string) []verify.Entry {
		return append(table, verify.Entry{Seq: 13, Sender: "a", SenderCount: 7, Text: text, SentAt: 2000})
	}
	if ops, table := history(); Compare(ops, row(table, "unknown")) != nil {
		t.Errorf("Compare = %q for an unknown message that is stored", Compare(ops, row(table, "unknown")))
	}
	for want, spoil := range map[string]func(ops []*verify.Operation, table []verify.Entry) []verify.Entry{
		"nowhere":         func(_ []*verify.Operation, table []verify.Entry) []verify.Entry { return table[:11] },
		"stored twice":    func(_ []*verify.Operation, table []verify.Entry) []verify.Entry { return row(table, "text 3") },
		"told that it is": func(_ []*verify.Operation, table []verify.Entry) []verify.Entry { return row(table, "failed") },
		"nobody sent":     func(_ []*verify.Operation, table []verify.Entry) []verify.Entry { return row(table, "?") },
		"row 12 has seq":  func(_ []*verify.Operation, table []verify.Entry) []verify.Entry { table[11].Seq++; return table },
		"has sender_count": func(_ []*verify.Operation, table []verify.Entry) []verify.Entry {
			table[11].SenderCount--
			return table
		},
		"the date of seq 6": func(_ []*verify.Operation, table []verify.Entry) []verify.Entry { table[5].SentAt = 1; return table },
		"the table has": func(ops []*verify.Operation, table []verify.Entry) []verify.Entry {
			ops[7].Window[2].Text = "x"
			return table
		},
		"with nothing": func(ops []*verify.Operation, table []verify.Entry) []verify.Entry { ops[7].Window = nil; return table },
		"has 9 messages": func(ops []*verify.Operation, table []verify.Entry) []verify.Entry {
			ops[11].Window = ops[11].Window[1:]
			return table
		},
		"ends in": func(ops []*verify.Operation, table []verify.Entry) []verify.Entry {
			ops[7].Window = ops[6].Window
			return table
		},
	} {
		ops, table := history()
		wrong := Compare(ops, spoil(ops, table))
		if !strings.Contains(strings.Join(wrong, "\n"), want) {
			t.Errorf("Compare = %q, want one with %q", wrong, want)
		}
	}
}
