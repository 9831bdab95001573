package memlog

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"dummymessenger/internal/messenger"
)

// encode shows what is to be checked: seq:sender:count:text.
func encode(dst []byte, m messenger.Message) []byte {
	return fmt.Appendf(dst, "%d:%s:%d:%s", m.Seq, m.Sender, m.SenderCount, m.Text)
}

func mustAppend(t *testing.T, l *Log, d messenger.Draft) messenger.Answer {
	t.Helper()
	a, err := l.Append(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestWindows(t *testing.T) {
	l := New(encode)
	filler := strings.Repeat("x", 500) // so that there are several runs
	var all []string
	var answers []messenger.Answer
	const n = 3 * chunk / 500
	for k := 1; k <= n; k++ {
		sender := "s" + strconv.Itoa(k%2)
		all = append(all, fmt.Sprintf("%d:%s:%d:%s", k, sender, (k+k%2)/2, filler))
		answers = append(answers, mustAppend(t, l, messenger.Draft{Sender: sender, Text: filler}))
	}
	// Only now, to see that what was handed out has not changed.
	for i, a := range answers {
		want := strings.Join(all[max(0, i+1-messenger.WindowSize):i+1], ",")
		if a.Seq != int64(i+1) || a.Replayed || string(a.Messages) != want {
			t.Fatalf("answer %d = seq %d, %s, want %s", i+1, a.Seq, a.Messages, want)
		}
	}
}

func TestReplay(t *testing.T) {
	l := New(encode)
	draft := messenger.Draft{ID: messenger.KeyID("k"), Sender: "a", Text: "x", MayExist: true}
	first := mustAppend(t, l, draft)
	mustAppend(t, l, messenger.Draft{Sender: "b", Text: "y"})

	again := mustAppend(t, l, draft)
	if !again.Replayed || again.Seq != first.Seq || string(again.Messages) != string(first.Messages) {
		t.Errorf("replay = %+v, want %+v, replayed", again, first)
	}
	draft.Text = "z"
	if _, err := l.Append(t.Context(), draft); messenger.KindOf(err) != messenger.KeyReused {
		t.Errorf("another message with that key: error %v, want kind %v", err, messenger.KeyReused)
	}
	if next := mustAppend(t, l, messenger.Draft{Sender: "a", Text: "w"}); string(next.Messages) != "1:a:1:x,2:b:1:y,3:a:2:w" {
		t.Errorf("next window = %s", next.Messages)
	}
}

func TestCancelled(t *testing.T) {
	l := New(encode)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Append(ctx, messenger.Draft{Sender: "a", Text: "x"}); messenger.KindOf(err) != messenger.Unavailable {
		t.Errorf("Append with a cancelled context = %v, want kind %v", err, messenger.Unavailable)
	}
	if a := mustAppend(t, l, messenger.Draft{Sender: "a", Text: "x"}); a.Seq != 1 {
		t.Errorf("seq after it = %d, want 1", a.Seq)
	}
}

func TestConcurrent(t *testing.T) {
	const workers, perWorker = 8, 500
	l := New(encode)
	seen := make([]bool, workers*perWorker+1)
	var mu sync.Mutex // guards seen
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := range perWorker {
				text := fmt.Sprint(w, "/", i)
				a, err := l.Append(t.Context(), messenger.Draft{Sender: "a", Text: text})
				if err != nil {
					t.Error(err)
					return
				}
				own := fmt.Sprintf("%d:a:%d:%s", a.Seq, a.Seq, text)
				if !strings.HasSuffix(string(a.Messages), own) {
					t.Errorf("window %s does not end in %s", a.Messages, own)
				}
				mu.Lock()
				if seen[a.Seq] {
					t.Errorf("seq %d was given out twice", a.Seq)
				}
				seen[a.Seq] = true
				mu.Unlock()
			}
		})
	}
	group.Wait()
}
