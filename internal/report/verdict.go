package report

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
	"time"

	"dummymessenger/internal/verify"
)

func writeVerdict(b *bufio.Writer, v *verify.Verdict, l Lang) {
	status, words := l.headline(v)
	fmt.Fprintf(b, "\n%s: %s\n", l.tr(strings.ToUpper(status)), words)
	for _, reason := range v.Reasons {
		writeParagraph(b, "  "+l.tr("because")+" ", reason)
	}
	if n := v.Counts.Sentinels; n > 0 {
		fmt.Fprintf(b, "  seen: %s, and at the end %s to settle what is unknown\n", Plural(v.Counts.Sent, "request"), Plural(n, "sentinel"))
	}
	if v.CounterExample != nil {
		writeViolation(b, v.CounterExample)
	}
	for _, c := range v.Checks {
		writeCheck(b, &c, l)
	}
	writeCounts(b, v, l)
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

func writeCheck(b *bufio.Writer, c *verify.CheckResult, l Lang) {
	row := l.checkRow(c)
	for i, line := range wrap(row.Saw, 48) {
		if i == 0 {
			fmt.Fprintf(b, "  %s %-27s %s\n", row.Mark, row.Name, line)
		} else {
			fmt.Fprintf(b, "    %-27s %s\n", "", line)
		}
	}
	for _, line := range wrap(row.Limit, 48) {
		fmt.Fprintf(b, "    %-27s %s\n", "", line)
	}
}

func writeCounts(b *bufio.Writer, v *verify.Verdict, l Lang) {
	n := &v.Counts
	if n.Unknown > 0 {
		fmt.Fprintf(b, l.tr("of %s unknown: %s stored, %s not stored, %s never settled")+"\n",
			Count(n.Unknown), Count(n.Stored), Count(n.NotStored), Count(n.Unsettled))
	}
	if n.Neighbours > 0 {
		fmt.Fprintf(b, "%s %s\n", Count(n.Neighbours), l.tr("neighbouring seqs from different replicas"))
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
