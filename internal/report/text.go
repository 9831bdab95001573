package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// WriteText writes r for people: first the figures, then what they are worth.
func WriteText(w io.Writer, r *Result, l Lang) error {
	b := bufio.NewWriter(w)
	if r.Run != nil {
		writeRun(b, r.Run, l)
	}
	if r.Verdict != nil {
		writeVerdict(b, r.Verdict, l)
	} else {
		fmt.Fprintf(b, "\n%s: %s\n", l.tr("NOT VERIFIED"), l.tr("the answers were only counted (--no-verify)"))
	}
	for _, crossed := range r.Crossed {
		fmt.Fprintf(b, "%s  %s\n", l.tr("threshold not kept"), crossed)
	}
	return b.Flush()
}

func writeRun(b *bufio.Writer, r *Run, l Lang) {
	head := l.plural(r.Sent, "request") + " " + l.tr("by") + " " + l.plural(int64(r.Workers), "worker") + " " + l.tr("to") + " " + l.plural(int64(len(r.Replicas)), "replica")
	if r.Rate > 0 {
		head += ", " + decimal(r.Rate) + " " + l.tr("due per second")
	}
	if r.Interrupted {
		head += ", " + l.tr("interrupted")
	}
	fmt.Fprintf(b, "%s:\n%s %s, %s %s, %s %s\n\n", head,
		Count(r.OK), l.tr("answered"), Count(r.Failed), l.tr("failed"), Count(r.Unknown), l.tr("unknown"))

	waits := &r.Latency
	names := []string{l.tr("total time"), l.tr("time of one request"), l.tr("total throughput")}
	indent := 22
	for _, name := range names {
		indent = max(indent, utf8.RuneCountInString(name)+1)
	}
	line := func(name, value, unit, remark string) {
		fmt.Fprintf(b, "%-*s%10s %-6s %s\n", indent, name, value, unit, remark)
	}
	line(names[0], seconds(r.Total), l.tr("s"), l.tr("first request sent to last answer"))
	if r.Sent > 0 {
		line(names[1], decimal(r.Total*1000/float64(r.Sent)), l.tr("ms"), l.tr("total time ÷ requests"))
	}
	if waits.Count > 0 {
		line("", decimal(waits.Mean), l.tr("ms"), l.tr("mean a caller waits")+", "+r.concurrently(l))
		fmt.Fprintf(b, "    %s\n", percentiles(waits))
	}
	line(names[2], decimal(r.Throughput), l.tr("/s"), l.tr("answered requests, all replicas together"))
	if r.Service != nil {
		fmt.Fprintf(b, "waits count from when a request was due; from when it was sent, in ms:\n    %s\n", percentiles(r.Service))
		fmt.Fprintf(b, "    %s sent over 1 ms late, %s never sent\n", Count(r.Late), Count(r.Dropped))
	}
	writeReplicas(b, r, l)
	if len(r.Failures) > 0 {
		fmt.Fprintln(b)
		for _, f := range r.Failures {
			fmt.Fprintf(b, "%-8s %9s  %s\n", l.tr(f.Outcome), Count(f.Count), f.Reason)
			if f.First != "" {
				writeParagraph(b, "          "+l.tr("the first one: "), f.First)
			}
		}
	}
	if r.Retried > 0 {
		fmt.Fprintf(b, "%s tried again\n", Plural(r.Retried, "time"))
	}
	if r.Replayed+r.Unreplayed > 0 {
		writeParagraph(b, "", fmt.Sprintf("%s sent once more after the answer, for a comparison, %s in vain; not in the figures",
			Plural(r.Replayed+r.Unreplayed, "request"), Count(r.Unreplayed)))
	}
	fmt.Fprintln(b)
	writeParagraph(b, l.tr("client")+": ", r.honesty(l))
	fmt.Fprintf(b, "%s %s, --seed %d\n", l.tr("run"), r.ID, r.Seed)
}

func (r *Run) concurrently(l Lang) string {
	if r.Rate > 0 {
		return l.tr("from when it was due")
	}
	return Count(int64(r.Workers)) + " " + l.tr("at once")
}

func percentiles(l *Latency) string {
	return fmt.Sprintf("p50 %s · p90 %s · p95 %s · p99 %s · max %s ms",
		percentile(l.P50), percentile(l.P90), percentile(l.P95), percentile(l.P99), decimal(l.Max))
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }

func writeReplicas(b *bufio.Writer, r *Run, l Lang) {
	width := len("replica")
	for _, replica := range r.Replicas {
		width = max(width, utf8.RuneCountInString(replica.URL))
	}
	width = min(width, 26)
	row := func(url string, cells ...any) {
		fmt.Fprintf(b, "%-*s %7s %9s %7s %8s %7s %7s\n", append([]any{width, fit(url, width)}, cells...)...)
	}
	fmt.Fprintln(b)
	row(l.tr("replica"), l.tr("per s"), l.tr("answered"), l.tr("failed"), l.tr("unknown"), l.tr("mean"), "p99 "+l.tr("ms"))
	for _, replica := range r.Replicas {
		row(replica.URL, decimal(replica.Throughput), Count(replica.OK), Count(replica.Failed), Count(replica.Unknown),
			decimal(replica.Latency.Mean), percentile(replica.Latency.P99))
	}
}

// fit shortens s to width characters, of which the last tell more.
func fit(s string, width int) string {
	if n := utf8.RuneCountInString(s); n > width {
		return "…" + string([]rune(s)[n-width+1:])
	}
	return s
}

// honesty says whether the client itself limited the run.
func (r *Run) honesty(l Lang) string {
	g := &r.Generator
	var b strings.Builder
	fmt.Fprintf(&b, l.tr("%s connections, %.2f of %d processors busy, %s waiting at a time on average"),
		Count(g.Connections), g.CPU, g.CPUs, decimal(g.Concurrency))
	switch {
	case r.Rate > 0:
		if r.Late*100 > r.Sent {
			b.WriteString(l.tr("; it could not keep the rate: more workers, or it is the servers' limit"))
		}
	case r.Failed+r.Unknown > 0 || r.Sent == 0:
	case g.Concurrency < 0.75*float64(r.Workers):
		fmt.Fprintf(&b, l.tr(", of %s workers: the client was a limit, or the run too short"), Count(int64(r.Workers)))
	default:
		fmt.Fprintf(&b, l.tr(", of %s workers (Little's law): it was not the limit"), Count(int64(r.Workers)))
	}
	return b.String()
}
