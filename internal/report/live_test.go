package report

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"

	"dummymessenger/internal/measure"
	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/verify"
)

func exampleLive() *Live {
	return &Live{
		Elapsed: 2 * time.Second, Planned: 5000, InFlight: 50, P50: 3.91, P99: 12.4, Rates: []int64{0, 500, 1000, 1400, 1000},
		URLs:     []string{"http://127.0.0.1:8001", "http://127.0.0.1:8002"},
		Snapshot: measure.Snapshot{OK: 2490, Failed: 7, Unknown: 3, ByReplica: []measure.Answers{{OK: 1300}, {OK: 1190}}},
		Checks:   &verify.Live{CrossChecked: 42085, Unknown: 2},
	}
}

// Whatever the terminal is, lines fit, and there is no
// escape sequence or character that it cannot show.
func TestLiveLines(t *testing.T) {
	escape := regexp.MustCompile("\x1b\\[[0-9]+m")
	hostile := exampleLive()
	hostile.URLs[0] = "http://\x1b[2J\u4e16\u754c" + strings.Repeat("x", 300)
	hostile.Checks.Violations, hostile.Checks.First = 3, &verify.Violation{Why: verify.Sentence{Form: "\x1b]0;title\a" +
		strings.Repeat("\u4e16", 300)}}
	for _, live := range []*Live{exampleLive(), hostile, {}, {URLs: make([]string, 50), Limit: time.Second,
		Elapsed: 2 * time.Second, Over: true}} {
		for _, width := range []int{1, 10, 60, 80, 200} {
			for _, style := range []Style{{}, {Color: true, Lang: "ru"}, {ASCII: true, Lang: "ru"}} {
				for height := range 15 {
					if n, want := len(live.Lines(width, height, style)), min(height, 4+min(len(live.URLs), 8)); n != want {
						t.Errorf("%d lines of %d, want %d", n, height, want)
					}
				}
				for _, line := range live.Lines(width, 50, style) {
					plain := line
					if style.Color {
						plain = escape.ReplaceAllString(line, "")
					}
					if w := runewidth.StringWidth(plain); w > width {
						t.Errorf("%d columns, want at most %d: %q", w, width, line)
					}
					if strings.ContainsFunc(plain, func(r rune) bool { return r < ' ' || style.ASCII && r > '~' }) {
						t.Errorf("%+v: %q", style, line)
					}
				}
			}
		}
	}
}

func TestLiveSays(t *testing.T) {
	text := strings.ReplaceAll(strings.Join(exampleLive().Lines(100, 50, Style{}), "\n"), lang.Thin, " ")
	for _, want := range []string{"50 %", "2 500 / 5 000", "left 2.0 s", "1 245/s", "▁▃▆█▆",
		"p50 3.91 · p99 12.4 ms · 50 in flight · 7 failed · 3 unknown",
		"http://127.0.0.1:8001     1 300", "✓ 42 085 entries cross-checked · 0 violations · 2 unknown"} {
		if !strings.Contains(text, want) {
			t.Errorf("the view lacks %q:\n%s", want, text)
		}
	}
	silent := exampleLive()
	silent.ByReplica[1] = measure.Answers{Trouble: "connection refused"}
	if line := silent.Lines(100, 50, Style{Color: true})[4]; !strings.Contains(line, "\x1b[31mconnection refused") {
		t.Errorf("no reason why a replica answers nothing: %q", line)
	}
	silent.ByReplica, silent.Elapsed = silent.ByReplica[:1], 3*time.Second
	if line := silent.Lines(100, 50, Style{})[4]; !strings.Contains(line, "0  no answer yet") {
		t.Errorf("a silent replica is shown so: %q", line)
	}
	text = strings.Join(exampleLive().Lines(100, 50, Style{Lang: "ru"}), "\n")
	for _, want := range []string{"в пути", "сверенных записей", "0 нарушений"} {
		if !strings.Contains(text, want) {
			t.Errorf("the Russian view lacks %q:\n%s", want, text)
		}
	}
}

func TestWrap(t *testing.T) {
	text := "p50 3.91 · p99 12.4 ms · 2\u202f490 of 2\u202f500 workers waiting, 1, 2, 3 and 1 2 3 4 5 6 7 8 9 and a" + strings.Repeat("a", 20)
	for width := range 30 {
		lines := wrap(text, width)
		if got := strings.Join(lines, " "); got != text {
			t.Errorf("%d: %q", width, got)
		}
		for _, line := range lines {
			last := line[strings.LastIndexByte(line, ' ')+1:]
			if strings.HasPrefix(line, "·") || isNumber(last) && !strings.Contains(line, " ") || runeCount(line) > max(width, 21) {
				t.Errorf("%d: %q", width, line)
			}
		}
	}
}
