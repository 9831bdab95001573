package report

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
	"time"

	"dummymessenger/internal/verify"
)

func writeVerdict(b *bufio.Writer, v *verify.Verdict) {
	fmt.Fprintf(b, "\n%s", strings.ToUpper(v.Status.String()))
	switch v.Status {
	case verify.Verified:
		fmt.Fprintf(b, ": all answers can be true together\n")
	case verify.Violated:
		fmt.Fprintf(b, ": the answers cannot all be true\n")
	default:
		fmt.Fprintf(b, ": nothing is wrong, but this run could not have shown it\n")
	}
	for _, reason := range v.Reasons {
		writeParagraph(b, "  because ", reason)
	}
	if n := v.Counts.Sentinels; n > 0 {
		fmt.Fprintf(b, "  seen: %s, and at the end %s to settle what is unknown\n", Plural(v.Counts.Sent, "request"), Plural(n, "sentinel"))
	}
	if v.CounterExample != nil {
		writeViolation(b, v.CounterExample)
	}
	for _, c := range v.Checks {
		writeCheck(b, &c)
	}
	writeCounts(b, v)
	for _, c := range v.Checks {
		writeWorst(b, &c)
	}
}

// writeWorst lists the violations of one check, the worst first.
func writeWorst(b *bufio.Writer, c *verify.CheckResult) {
	if len(c.Worst) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s, the worst of %s:\n", c.Check, Count(c.Violations))
	for _, v := range c.Worst {
		writeParagraph(b, "  ", v.Place()+": "+v.Why)
	}
}

func writeCheck(b *bufio.Writer, c *verify.CheckResult) {
	mark, saw := "✓", Count(c.Saw)+" "+c.Unit
	switch {
	case c.Violations > 0:
		mark, saw = "✗", Plural(c.Violations, "violation")+" in "+saw
	case c.NotCheckable != "":
		mark, saw = "–", "not checkable: "+c.NotCheckable
	case c.Saw == 0:
		mark, saw = "–", "nothing to check: no "+c.Unit
	}
	for i, line := range wrap(saw, 48) {
		if i == 0 {
			fmt.Fprintf(b, "  %s %-27s %s\n", mark, c.Check, line)
		} else {
			fmt.Fprintf(b, "    %-27s %s\n", "", line)
		}
	}
	for _, line := range wrap(c.Limit, 48) {
		fmt.Fprintf(b, "    %-27s %s\n", "", line)
	}
}

func writeCounts(b *bufio.Writer, v *verify.Verdict) {
	n := &v.Counts
	if n.Unknown > 0 {
		fmt.Fprintf(b, "of %s unknown: %s stored, %s not stored, %s never settled\n",
			Count(n.Unknown), Count(n.Stored), Count(n.NotStored), Count(n.Unsettled))
	}
	if n.Others > 0 {
		why := "the log was not empty"
		if v.OtherWriters {
			why = "others wrote to the log during the run"
		}
		fmt.Fprintf(b, "%s of other runs or writers seen (%s)\n", Plural(n.Others, "message"), why)
	}
	if v.CutOff {
		fmt.Fprintln(b, "the history is cut off; what is there was judged")
	}
}

// writeViolation shows the one case to look at first, in words and with what
// the operations saw.
func writeViolation(b *bufio.Writer, v *verify.Violation) {
	fmt.Fprintln(b)
	writeParagraph(b, "", fmt.Sprintf("%s (%s): %s", v.Anomaly, v.Check, v.Why))
	if len(v.Session) > 0 {
		fmt.Fprintf(b, "  breaks %s\n", strings.Join(v.Session, ", "))
	}
	for i := range v.Witnesses {
		writeWitness(b, &v.Witnesses[i], v.Inferred)
	}
	fmt.Fprintln(b)
}

// writeWitness tells of one operation. What the server does not show is left
// out, and inferred places are marked with a tilde.
func writeWitness(b *bufio.Writer, w *verify.Witness, inferred bool) {
	who := fmt.Sprintf("worker %d, request %d", w.Worker, w.Number)
	if w.Sentinel {
		who = fmt.Sprintf("sentinel %d", w.Number)
	}
	if w.Forgotten {
		fmt.Fprintf(b, "  %s: %s, no longer remembered (--stream)\n", who, w.Outcome)
		return
	}
	fmt.Fprintf(b, "  %s at %s, from %s:\n    %s, sent at %s, ended at %s\n",
		who, replicaName(w), w.Sender, w.Outcome, w.Call, w.Return)
	for _, e := range w.Window {
		own := " "
		if e.Seq == w.Seq {
			own = ">"
		}
		place, count, date := strconv.FormatInt(e.Seq, 10), "", ""
		if inferred {
			place = "~" + place
		}
		if e.SenderCount != 0 {
			count = strconv.FormatInt(e.SenderCount, 10)
		}
		if e.SentAt != 0 {
			date = time.UnixMicro(e.SentAt).UTC().Format("15:04:05.000000")
		}
		fmt.Fprintf(b, "   %s %6s  %-12s %5s  %-15s  %s\n", own, place, fit(e.Sender, 12), count, date, excerpt(e.Text, 28))
	}
}

func replicaName(w *verify.Witness) string {
	if w.Name != "" {
		return w.Name
	}
	return fmt.Sprintf("replica %d", w.Replica)
}

// excerpt is the beginning of text, on one line.
func excerpt(text string, width int) string {
	quoted := []rune(fmt.Sprintf("%q", text))
	if len(quoted) > width {
		return string(quoted[:width-1]) + "…"
	}
	return string(quoted)
}
