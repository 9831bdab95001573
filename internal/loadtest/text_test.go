package loadtest

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"dummymessenger/internal/messenger"
)

// Every text is one that a server must accept, and the lengths are as varied
// as promised.
func TestTexts(t *testing.T) {
	m := newTextMaker(rand.New(rand.NewPCG(1, 2)), &RequestProfile{})
	const nonce = "[dm:run:1:2]"
	longest, shortest, long := 0, messenger.MaxText, 0
	all := map[rune]bool{}
	for range 20_000 {
		text := m.next(nonce)
		if _, err := messenger.NewDraft("Анна", text); err != nil || !strings.HasPrefix(text, nonce) {
			t.Fatalf("%q: %v", text, err)
		}
		n := utf8.RuneCountInString(text)
		longest, shortest = max(longest, n), min(shortest, n)
		if n > 200 {
			long++
		}
		for _, r := range text {
			all[r] = true
		}
	}
	if longest != messenger.MaxText || shortest > 20 || long < 1000 || long > 4000 {
		t.Errorf("texts of %d to %d characters, %d of 20000 over 200", shortest, longest, long)
	}
	for _, r := range "пg😀\"\\\n'<" {
		if !all[r] {
			t.Errorf("no text holds %q", r)
		}
	}
}

// The default senders come back as they are sent.
func TestDefaultSenders(t *testing.T) {
	if len(DefaultSenders) != 10 {
		t.Errorf("%d senders, want 10", len(DefaultSenders))
	}
	for _, sender := range DefaultSenders {
		if d, err := messenger.NewDraft(sender, "x"); err != nil || d.Sender != sender {
			t.Errorf("%q is stored as %q, %v", sender, d.Sender, err)
		}
	}
}

// Equal seeds make equal choices, apart from the run's ID.
func TestSeed(t *testing.T) {
	choices := func(seed uint64, worker int) (s []string) {
		test, err := New(Config{URLs: []string{"http://a", "http://b"}, Requests: 1, Seed: seed, Workers: 3})
		if err != nil {
			t.Fatal(err)
		}
		w := test.workers[worker]
		for range 20 {
			s = append(s, w.texts.next(""))
		}
		return s
	}
	a, b := strings.Join(choices(1, 0), "\n"), strings.Join(choices(1, 0), "\n")
	if a != b {
		t.Error("equal seeds, different texts")
	}
	if a == strings.Join(choices(2, 0), "\n") || a == strings.Join(choices(1, 1), "\n") {
		t.Error("another seed or worker, the same texts")
	}
	if one, other := runID(), runID(); one == other {
		t.Error("two runs have one ID")
	}
}
