package storetest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"dummymessenger/internal/messenger"
)

func testEmptyLog(t *testing.T, log Log) {
	s := log.Open(t)
	if got := read(t, s); len(got) != 0 {
		t.Errorf("a new log holds %v", brief(got))
	}
	wantHead(t, s, 0)
	if err := s.Ready(limited(t)); err != nil {
		t.Errorf("Ready: %v", err)
	}
	want := appendAll(t, s, nil, draft("Анна", "привет"))
	other := log.Open(t)
	if got := read(t, other); !slices.Equal(got, want) {
		t.Errorf("another replica reads %v, want %v", brief(got), brief(want))
	}
	wantHead(t, other, 1)
}

// testWindowsAndCounts has two replicas append in turn, so that neither can
// answer from what it remembers, to logs shorter and longer than a window.
func testWindowsAndCounts(t *testing.T, log Log) {
	replicas := []messenger.Store{log.Open(t), log.Open(t)}
	var messages []messenger.Message
	for i, n := range []int{1, 1, 3, 1, 2, 1, 1, 9, 1, 10, 11, 1, 100, 1} {
		messages = appendAll(t, replicas[i%2], messages, drafts(n, fmt.Sprint("batch ", i))...)
	}
}

func testSendersBytewise(t *testing.T, log Log) {
	s := log.Open(t)
	senders := []string{
		"a", "A", "á", "a ", " a", "a\u00a0", "a\u200b", "ａ", "а" /* Cyrillic */, "aa",
		"ss", "ß", "ẞ", "i", "I", "İ", "ı", "е", "ё", "1", "01", "1.0", "1e0", "NULL", "null", "'", "''", `"`, "%", "_", `\`,
		"👩", "👩‍🚀", strings.Repeat("🚀", messenger.MaxSender),
	}
	var ds []messenger.Draft
	for range 2 {
		for _, sender := range senders {
			ds = append(ds, draft(sender, "text"))
		}
	}
	messages := appendAll(t, s, nil, ds...)
	appendAll(t, s, messages, draft("a", "text"), draft("A", "text"), draft("a ", "text"))
}

func testTextsByteForByte(t *testing.T, log Log) {
	var controls strings.Builder
	for c := rune(1); c < 0xa0; c++ {
		controls.WriteRune(c)
	}
	s := log.Open(t)
	var ds []messenger.Draft
	for _, text := range []string{
		"привет", "👩‍👩‍👧‍👦 🏳️‍🌈 🇷🇺", `"quoted" and 'quoted' and \"escaped\" \u0041 \\`, "lines\nand\r\nlines\tand tabs",
		" ", "  spaces around  ", "\n", "0", "1e5", "007", "NULL", "{}", "[1,2]", `x'00'`, "$1 ?1 :name @x %s",
		"'; DROP TABLE messages; --", "<script>alert(1)</script>&amp;", "e\u0301 is not é", "\u2028\u2029", "\ufeffBOM\ufeff",
		"\ufffd\ufffe\uffff\U0010ffff", "\u202eright to left", controls.String(),
		strings.Repeat("\U0001F680", messenger.MaxText), strings.Repeat("\x01", messenger.MaxText), strings.Repeat("\\", messenger.MaxText),
	} {
		ds = append(ds, draft("Анна", text))
	}
	messages := appendAll(t, s, nil, ds...)
	appendAll(t, s, messages, draft("Анна", "the last"))
}

func testDates(t *testing.T, log Log) {
	a, b := log.Open(t), log.Open(t)
	start := time.Now()
	var messages []messenger.Message
	for range 5 {
		messages = appendAll(t, a, messages, drafts(2, "a")...)
		messages = appendAll(t, b, messages, drafts(2, "b")...)
	}
	// The database may run on another machine, whose clock is near ours.
	for _, m := range messages {
		if off := m.SentAt.Sub(start).Abs(); off > time.Hour {
			t.Fatalf("seq %d: sent_at %v is %v off", m.Seq, m.SentAt, off)
		}
	}
}

func testBatchOf1000(t *testing.T, log Log) {
	s := log.Open(t)
	messages := appendAll(t, s, nil, drafts(3, "before")...)
	messages = appendAll(t, s, messages, drafts(1000, "large")...)
	appendAll(t, s, messages, drafts(1, "after")...)
}

func testExisting(t *testing.T, log Log) {
	a, b := log.Open(t), log.Open(t)
	first := drafts(12, "first")
	messages := appendAll(t, a, nil, first...)

	again := func(i int, sender, text string) messenger.Draft {
		return messenger.Draft{ID: first[i].ID, Sender: sender, Text: text, MayExist: true}
	}
	maybe := func(sender, text string) messenger.Draft {
		d := draft(sender, text)
		d.MayExist = true
		return d
	}

	// Each step says which of its drafts are new. They go through the replica
	// that has not stored the first.
	for _, step := range []struct {
		name   string
		drafts []messenger.Draft
		new    []bool
	}{
		{"one that exists", []messenger.Draft{again(3, first[3].Sender, first[3].Text)}, []bool{false}},
		{"the newest", []messenger.Draft{again(11, first[11].Sender, first[11].Text)}, []bool{false}},
		{"with another text", []messenger.Draft{again(3, first[3].Sender, "other")}, []bool{false}},
		{"by another sender", []messenger.Draft{again(3, "nobody", first[3].Text)}, []bool{false}},
		{"one that does not", []messenger.Draft{maybe("Анна", "new")}, []bool{true}},
		{"mixed", []messenger.Draft{
			again(5, first[5].Sender, first[5].Text), draft("Анна", "x"), again(0, "Анна", "other"),
			maybe("Bob", "y"), draft("Анна", "z"), again(11, "Bob", "last"),
		}, []bool{false, true, false, true, true, false}},
		{"all that exist", []messenger.Draft{again(1, "a", "b"), again(0, "a", "b")}, []bool{false, false}},
		{"after all", []messenger.Draft{draft("Bob", "end")}, []bool{true}},
	} {
		got, err := b.Append(limited(t), taking(step.drafts...))
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if len(got.Results) != len(step.drafts) {
			t.Fatalf("%s: %d results for %d drafts", step.name, len(got.Results), len(step.drafts))
		}
		var before []messenger.Message
		if slices.Contains(step.new, true) {
			before = tail(messages)
		}
		if !slices.Equal(got.Before, before) {
			t.Errorf("%s: Before = %v, want %v", step.name, brief(got.Before), brief(before))
		}
		for i, r := range got.Results {
			if r.Existed == step.new[i] {
				t.Errorf("%s: result %d: Existed = %v", step.name, i, r.Existed)
			}
			if step.new[i] {
				if d := step.drafts[i]; r.Sender != d.Sender || r.Text != d.Text {
					t.Errorf("%s: result %d is %v", step.name, i, r)
				}
				messages = append(messages, r.Message)
				continue
			}
			j := slices.IndexFunc(first, func(d messenger.Draft) bool { return d.ID == step.drafts[i].ID })
			if r.Message != messages[j] {
				t.Errorf("%s: result %d is %v, want what was stored, %v", step.name, i, r.Message, messages[j])
			}
		}
		if wantLog(t, a, messages); t.Failed() {
			t.Fatalf("after %s", step.name)
		}
	}
}

func testNothingToTake(t *testing.T, log Log) {
	a, b := log.Open(t), log.Open(t)
	messages := appendAll(t, a, nil, drafts(3, "first")...)
	for _, ds := range [][]messenger.Draft{nil, {}} {
		got, err := a.Append(limited(t), taking(ds...))
		if err != nil || len(got.Before) != 0 || len(got.Results) != 0 {
			t.Errorf("Append of nothing = %v, %v", got, err)
		}
		// It has given the lock back, and the next one finds nothing of it.
		messages = appendAll(t, b, messages, drafts(1, "after")...)
	}
	appendAll(t, a, messages, drafts(1, "after")...)
}

func testPages(t *testing.T, log Log) {
	s := log.Open(t)
	messages := appendAll(t, s, nil, drafts(100, "page")...)
	wantHead(t, s, 100)
	for _, limit := range []int{1, 7, 99, 100, 101} {
		var got []messenger.Message
		for {
			var after int64
			if len(got) > 0 {
				after = got[len(got)-1].Seq
			}
			page, err := s.Read(limited(t), after, limit)
			if err != nil {
				t.Fatalf("Read(%d, %d): %v", after, limit, err)
			}
			if want := messages[len(got):min(len(got)+limit, 100)]; !slices.Equal(page, want) {
				t.Fatalf("Read(%d, %d) = %v, want %v", after, limit, brief(page), brief(want))
			}
			if got = append(got, page...); len(page) == 0 {
				break
			}
		}
	}
	for _, c := range []struct {
		after int64
		limit int
	}{{100, 10}, {1 << 40, 10}, {0, 0}} {
		if got, err := s.Read(limited(t), c.after, c.limit); err != nil || len(got) != 0 {
			t.Errorf("Read(%d, %d) = %v, %v, want nothing", c.after, c.limit, brief(got), err)
		}
	}
}

// testLogID takes two logs; everything else takes one.
func testLogID(t *testing.T, log, other Log) {
	first, second, elsewhere := log.Open(t), log.Open(t), other.Open(t)
	id := first.LogID()
	if !regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`).MatchString(id) {
		t.Errorf("LogID = %q, want 1-64 letters, digits and hyphens", id)
	}
	if got := second.LogID(); got != id {
		t.Errorf("two replicas of one log have the IDs %q and %q", id, got)
	}
	if elsewhere.LogID() == id {
		t.Errorf("two logs have the ID %q", id)
	}
	appendAll(t, second, nil, drafts(3, "new")...)
	if got := first.LogID(); got != id {
		t.Errorf("the ID changed from %q to %q", id, got)
	}
	if got := log.Open(t).LogID(); got != id {
		t.Errorf("opened later, the log has the ID %q, want %q", got, id)
	}
}
