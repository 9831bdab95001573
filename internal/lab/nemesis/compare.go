package nemesis

import (
	"fmt"

	"dummymessenger/internal/verify"
)

// Compare checks every operation of a run against the table of a log that was empty
// before it, and returns the contradictions:
//
//   - a message that was answered and is not where the answer says, or a window that
//     differs from that part of the table;
//   - a message that is there twice, was never sent, or was reported as not stored;
//   - rows that are not numbered 1, 2, 3 …, in all and for each sender, or whose
//     dates go back.
func Compare(operations []*verify.Operation, table []verify.Entry) (wrong []string) {
	report := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	counts := map[string]int64{}
	place := map[string]int64{} // by text
	for i, e := range table {
		if e.Seq != int64(i+1) {
			report("row %d has seq %d", i+1, e.Seq)
		}
		if counts[e.Sender]++; e.SenderCount != counts[e.Sender] {
			report("seq %d is %s's message number %d and has sender_count %d", e.Seq, e.Sender, counts[e.Sender], e.SenderCount)
		}
		if i > 0 && e.SentAt < table[i-1].SentAt {
			report("the date of seq %d is before that of seq %d", e.Seq, table[i-1].Seq)
		}
		if first, twice := place[e.Text]; twice {
			report("%q is stored twice, at seq %d and %d", e.Text, first, e.Seq)
		}
		place[e.Text] = e.Seq
	}
	known := make(map[string]bool, len(operations))
	for _, op := range operations {
		known[op.Text] = true
		seq := place[op.Text]
		switch op.Outcome {
		case verify.Failed:
			if seq != 0 {
				report("%q is stored at seq %d, and its caller was told that it is not", op.Text, seq)
			}
			continue
		case verify.Unknown:
			continue
		}
		if len(op.Window) == 0 {
			report("%q was answered with nothing", op.Text)
			continue
		}
		own := op.Window[len(op.Window)-1]
		if own.Text != op.Text || own.Sender != op.Sender {
			report("the answer to %q ends in %q", op.Text, own.Text)
			continue
		}
		if seq == 0 || seq != own.Seq {
			report("%q was answered as seq %d and is stored at %d (0: nowhere)", op.Text, own.Seq, seq)
			continue
		}
		from := max(1, seq-9)
		if int64(len(op.Window)) != seq-from+1 {
			report("the window of seq %d has %d messages", seq, len(op.Window))
			continue
		}
		for i, e := range op.Window {
			if want := table[from-1+int64(i)]; *e != want {
				report("the window of seq %d shows %+v where the table has %+v", seq, *e, want)
			}
		}
	}
	for text, seq := range place {
		if !known[text] {
			report("nobody sent what is stored at seq %d: %q", seq, text)
		}
	}
	return wrong
}
