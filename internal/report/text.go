package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// WriteText writes r for people: first the figures, then what they are worth.
func WriteText(w io.Writer, r *Result) error {
	b := bufio.NewWriter(w)
	if r.Run != nil {
		writeRun(b, r.Run)
	}
	if r.Verdict != nil {
		writeVerdict(b, r.Verdict)
	} else {
		fmt.Fprintln(b, "\nNOT VERIFIED: the answers were only counted (--no-verify)")
	}
	for _, crossed := range r.Crossed {
		fmt.Fprintf(b, "threshold not kept  %s\n", crossed)
	}
	return b.Flush()
}

func writeRun(b *bufio.Writer, r *Run) {
	head := Plural(r.Sent, "request") + " by " + Plural(int64(r.Workers), "worker") + " to " + Plural(int64(len(r.Replicas)), "replica")
	if r.Rate > 0 {
		head += fmt.Sprintf(", %s due per second", decimal(r.Rate))
	}
	if r.Interrupted {
		head += ", interrupted"
	}
	fmt.Fprintf(b, "%s:\n%s answered, %s failed, %s unknown\n\n", head, Count(r.OK), Count(r.Failed), Count(r.Unknown))

	l := &r.Latency
	line := func(name, value, unit, remark string) {
		fmt.Fprintf(b, "%-22s%10s %-6s %s\n", name, value, unit, remark)
	}
	line("total time", seconds(r.Total), "s", "first request sent to last answer")
	if r.Sent > 0 {
		line("time of one request", decimal(r.Total*1000/float64(r.Sent)), "ms", "total time ÷ requests")
	}
	if l.Count > 0 {
		line("", decimal(l.Mean), "ms", "mean a caller waits, "+r.concurrently())
		fmt.Fprintf(b, "    %s\n", percentiles(l))
	}
	line("total throughput", decimal(r.Throughput), "/s", "answered requests, all replicas together")
	if r.Service != nil {
		fmt.Fprintf(b, "waits count from when a request was due; from when it was sent, in ms:\n    %s\n", percentiles(r.Service))
		fmt.Fprintf(b, "    %s sent over 1 ms late, %s never sent\n", Count(r.Late), Count(r.Dropped))
	}
	writeReplicas(b, r)
	if len(r.Failures) > 0 {
		fmt.Fprintln(b)
		for _, f := range r.Failures {
			fmt.Fprintf(b, "%-8s %9s  %s\n", f.Outcome, Count(f.Count), f.Reason)
			if f.First != "" {
				writeParagraph(b, "          the first one: ", f.First)
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
	writeParagraph(b, "client: ", r.honesty())
	fmt.Fprintf(b, "run %s, --seed %d\n", r.ID, r.Seed)
}

func (r *Run) concurrently() string {
	if r.Rate > 0 {
		return "from when it was due"
	}
	return Count(int64(r.Workers)) + " at once"
}

func percentiles(l *Latency) string {
	return fmt.Sprintf("p50 %s · p90 %s · p95 %s · p99 %s · max %s ms",
		percentile(l.P50), percentile(l.P90), percentile(l.P95), percentile(l.P99), decimal(l.Max))
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }

func writeReplicas(b *bufio.Writer, r *Run) {
	width := len("replica")
	for _, replica := range r.Replicas {
		width = max(width, utf8.RuneCountInString(replica.URL))
	}
	width = min(width, 26)
	row := func(url string, cells ...any) {
		fmt.Fprintf(b, "%-*s %7s %9s %7s %8s %7s %7s\n", append([]any{width, fit(url, width)}, cells...)...)
	}
	fmt.Fprintln(b)
	row("replica", "per s", "answered", "failed", "unknown", "mean", "p99 ms")
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
func (r *Run) honesty() string {
	g := &r.Generator
	var b strings.Builder
	fmt.Fprintf(&b, "%s connections, %.2f of %d processors busy, %s waiting at a time on average",
		Count(g.Connections), g.CPU, g.CPUs, decimal(g.Concurrency))
	switch {
	case r.Rate > 0:
		if r.Late*100 > r.Sent {
			b.WriteString("; it could not keep the rate: more workers, or it is the servers' limit")
		}
	case r.Failed+r.Unknown > 0 || r.Sent == 0:
	case g.Concurrency < 0.75*float64(r.Workers):
		fmt.Fprintf(&b, ", of %s workers: the client was a limit, or the run too short", Count(int64(r.Workers)))
	default:
		fmt.Fprintf(&b, ", of %s workers (Little's law): it was not the limit", Count(int64(r.Workers)))
	}
	return b.String()
}
