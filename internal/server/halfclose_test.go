package server

import (
	"bufio"
	"context"
	"fmt"
	"testing"

	"dummymessenger/internal/feed"
	"dummymessenger/internal/messenger"
)

// A caller may close its sending side and still wait for the answer. net/http takes
// that for a hang-up and ends the request's context. README and the document promise
// such a caller an answer with what is known at that moment.
func TestHalfClose(t *testing.T) {
	for kind, want := range map[messenger.Kind]struct {
		status        int
		name, outcome string
	}{
		messenger.Unavailable: {503, "database-unavailable", "not_stored"},
		messenger.Unknown:     {504, "outcome-unknown", "unknown"},
	} {
		entered := make(chan struct{})
		log := appendFunc(func(ctx context.Context, d messenger.Draft) (messenger.Answer, error) {
			close(entered)
			<-ctx.Done()
			return messenger.Answer{}, &messenger.Error{Kind: kind, Err: ctx.Err()}
		})
		rep := start(t, Config{RequestTimeout: patience, Log: log})
		conn := dial(t, rep)
		write(t, conn, postHead+"Content-Length: 25\r\n\r\n"+`{"sender":"a","text":"b"}`)
		<-entered
		conn.CloseWrite()
		resp, got := readResponse(t, bufio.NewReader(conn))
		wantProblem(t, resp, got, want.status, want.name, want.outcome, "")
	}
}

// The outcome in that answer is true, and repeating the message settles an unknown one.
func TestHalfCloseTellsTheTruth(t *testing.T) {
	t.Parallel()
	rep, _, log := startWatched(t, Config{}, feed.Config{})
	const callers = 200
	statuses := map[int]int{}
	told := map[string]int{}
	for i := range callers {
		text := fmt.Sprintf("half %03d", i)
		body := fmt.Sprintf(`{"sender":"a","text":"%s"}`, text)
		conn := dial(t, rep)
		write(t, conn, fmt.Sprintf("%sIdempotency-Key: %d\r\nContent-Length: %d\r\n\r\n%s", postHead, i, len(body), body))
		conn.CloseWrite()
		resp, got := readResponse(t, bufio.NewReader(conn))
		switch resp.StatusCode {
		case 200:
		case 503:
			wantProblem(t, resp, got, 503, "database-unavailable", "not_stored", "")
		default:
			wantProblem(t, resp, got, 504, "outcome-unknown", "unknown", "")
		}
		statuses[resp.StatusCode]++
		told[text] = resp.StatusCode
		conn.Close()
	}
	t.Log(statuses)

	// One more message settles all messages that were taken before it.
	rep.post(t, "a", "last")
	stored := map[string]bool{}
	messages, err := log.Read(t.Context(), 0, callers+1)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		stored[m.Text] = true
	}
	for text, status := range told {
		if status == 200 && !stored[text] || status == 503 && stored[text] {
			t.Errorf("%q was answered with %d; stored: %v", text, status, stored[text])
		}
	}
	for i := range callers {
		text := fmt.Sprintf("half %03d", i)
		resp, _ := rep.do(t, "POST", "/messages", fmt.Sprintf(`{"sender":"a","text":"%s"}`, text), asJSON("Idempotency-Key", fmt.Sprint(i)))
		if replayed := resp.Header.Get("Idempotent-Replayed") != ""; resp.StatusCode != 200 || replayed != stored[text] {
			t.Errorf("repeating %q = %s, replayed: %v, want 200 and %v", text, resp.Status, replayed, stored[text])
		}
	}
}
