package report

import (
	"strings"
	"testing"

	"dummymessenger/internal/measure"
	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/verify"
)

// A step has a tick only if it is verified, and rates below 100 show their fractions.
func TestSearchLine(t *testing.T) {
	late := verify.Sentence{Form: "%s: it was %s ms", Args: []any{"p99<1ms", lang.Amount(2)}}
	for _, tt := range []struct {
		step SearchStep
		want []string
	}{
		{SearchStep{Rate: 1600, Status: verify.Verified}, []string{"1 600 ", "✓ verified"}},
		{SearchStep{Rate: 1.5625, Status: verify.Inconclusive}, []string{"1.56 ", "– inconclusive"}},
		{SearchStep{Rate: 1, Status: verify.Verified, Why: late}, []string{" 1 ", "✗ p99<1ms: it was 2 ms"}},
		{SearchStep{Rate: 12.5, Status: verify.Violated, Why: late}, []string{"12.5 ", "✗ violated"}},
	} {
		line := strings.ReplaceAll(tt.step.Line("en"), lang.Thin, " ")
		for _, want := range tt.want {
			if !strings.Contains(line, want) {
				t.Errorf("the line of %v is %q, want %q in it", tt.step.Rate, line, want)
			}
		}
	}
}

func TestSearchSummary(t *testing.T) {
	good := SearchStep{Rate: 200, Value: 3, Status: verify.Verified, Run: measure.Run{OK: 9, Sent: 9}}
	dead := SearchStep{Rate: 400, Status: verify.Inconclusive, Run: measure.Run{Sent: 9, Unknown: 9},
		Why: verify.Sentence{Form: "no request was answered (%s)", Args: []any{lang.Reason("timeout")}}}
	for _, tt := range []struct {
		search Search
		l      lang.Lang
		want   string
	}{
		{Search{}, "en", "nothing was tried"},
		{Search{Interrupted: true}, "en", "interrupted before the first rate was tried to the end"},
		{Search{Steps: []SearchStep{good}, Interrupted: true}, "en",
			"interrupted; so far: 200 requests/s, verified, p99 3 ms; no higher rate was tried"},
		{Search{Steps: []SearchStep{dead}, Interrupted: true}, "en", "interrupted; so far: at 400 requests/s, no request was answered (timeout)"},
		{Search{Steps: []SearchStep{dead}}, "en", "no rate keeps p99<5ms: at 400 requests/s, no request was answered (timeout)"},
		{Search{Steps: []SearchStep{dead}, Stopped: true}, "en", "stopped at 400 requests/s: no request was answered (timeout)"},
		{Search{Steps: []SearchStep{dead}, Stopped: true}, "ru",
			"поиск остановлен при 400 запросах/с: ни один запрос не получил ответа (истекло время ожидания)"},
		{Search{Steps: []SearchStep{good, dead}, Stopped: true}, "en",
			"200 requests/s, verified, p99 3 ms; at 400: no request was answered (timeout)"},
	} {
		tt.search.Limit = "p99<5ms"
		if got := tt.search.Summary(tt.l); got != tt.want {
			t.Errorf("Summary = %q, want %q", got, tt.want)
		}
	}
	if good.Unanswered() || !dead.Unanswered() {
		t.Error("Unanswered is wrong")
	}
}
