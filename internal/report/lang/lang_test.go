package lang

import (
	"strings"
	"testing"

	"dummymessenger/internal/verify"
)

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1 000", 1234567: "1 234 567", -1000: "-1 000"} {
		if got := strings.ReplaceAll(Count(n), Thin, " "); got != want {
			t.Errorf("Count(%d) = %s, want %s", n, got, want)
		}
	}
}

// Nouns are inflected as their number asks for.
func TestInflection(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 запросов", 1: "1 запрос", 2: "2 запроса", 4: "4 запроса", 5: "5 запросов", 11: "11 запросов", 14: "14 запросов",
		21: "21 запрос", 112: "112 запросов", 1003: "1 003 запроса",
	} {
		if got := strings.ReplaceAll(Lang("ru").Plural(n, "request"), Thin, " "); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 entries", 1: "1 entry", 2: "2 entries"} {
		if got := Lang("en").Plural(n, "entry"); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// Numbers of the log keep their form in a translated sentence, and inferred
// places are marked as such.
func TestRussianSentences(t *testing.T) {
	s := verify.Sentence{
		Form: "the answer to the message at seq %d shows %s after it, up to seq %d: the window was read later than the message was stored",
		Args: []any{int64(12345), verify.Quantity{N: 3, Noun: "message"}, int64(12348)},
	}
	if got, want := Lang("ru").Sentence(s), "ответ на сообщение (seq 12345) показывает после него ещё 3 сообщения, последнее из них "+
		"— seq 12348: окно прочитано позже, чем сохранено сообщение"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	s.Form = strings.ReplaceAll(s.Form, verify.StatedPlace, verify.InferredPlace)
	if got := Lang("ru").Sentence(s); !strings.Contains(got, "(№ ~12345)") || !strings.Contains(got, "№ ~12348") {
		t.Errorf("got %s", got)
	}
}
