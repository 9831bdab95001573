package server

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dummymessenger/internal/messenger"
)

func TestWireFormat(t *testing.T) {
	sentAt := time.Date(2026, 11, 24, 10, 0, 0, 123456000, time.UTC)
	for _, tt := range []struct {
		message messenger.Message
		want    string
	}{
		{messenger.Message{Seq: 41, Sender: "Анна", SenderCount: 7, Text: "привет", SentAt: sentAt},
			`{"seq":41,"sender":"Анна","sender_count":7,"text":"привет","sent_at":"2026-11-24T10:00:00.123456Z"}`},
		{messenger.Message{
			Seq: 1, Sender: `"\`, SenderCount: 1, Text: "<b>&amp;'\n\t\x01\x7f\u2028🙂", SentAt: sentAt.Truncate(time.Second)},
			`{"seq":1,"sender":"\"\\","sender_count":1,"text":"<b>&amp;'\n\t\u0001` + "\x7f\u2028🙂" +
				`","sent_at":"2026-11-24T10:00:00.000000Z"}`},
		{messenger.Message{
			Seq: 9223372036854775807, Sender: "a", SenderCount: 10, Text: "/", SentAt: sentAt.In(time.FixedZone("", 3*60*60))},
			`{"seq":9223372036854775807,"sender":"a","sender_count":10,"text":"/","sent_at":"2026-11-24T10:00:00.123456Z"}`},
	} {
		if got := string(AppendMessage([]byte(","), tt.message)); got != ","+tt.want {
			t.Errorf("AppendMessage(%+v) =\n%s, want\n%s", tt.message, got, ","+tt.want)
		}
	}
}

func TestAnswer(t *testing.T) {
	rep := start(t, Config{})
	var all []string
	for k := 1; k <= 12; k++ {
		resp, got := rep.do(t, "POST", "/messages", `{"text":"привет","sender":"Анна"}`, asJSON())
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("status = %s: %s", resp.Status, got)
		}
		if got := resp.Header.Get("Content-Type"); got != "application/json" {
			t.Errorf("Content-Type = %q, want application/json", got)
		}
		if resp.ContentLength != int64(len(got)) || len(resp.TransferEncoding) != 0 {
			t.Errorf("Content-Length = %d, Transfer-Encoding = %q, want %d and none", resp.ContentLength, resp.TransferEncoding, len(got))
		}
		if _, ok := resp.Header["Idempotent-Replayed"]; ok {
			t.Error("a new message is marked as replayed")
		}
		wantCommonHeaders(t, resp)

		// The bytes around what AppendMessage makes, for which TestWireFormat answers.
		w := window(t, got)
		sentAt, err := time.Parse(time.RFC3339, w[len(w)-1].SentAt)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(AppendMessage(nil, messenger.Message{
			Seq: int64(k), Sender: "Анна", SenderCount: int64(k), Text: "привет", SentAt: sentAt})))
		want := `{"messages":[` + strings.Join(all[max(0, k-messenger.WindowSize):], ",") + `]}`
		if got != want {
			t.Fatalf("answer %d =\n%s, want\n%s", k, got, want)
		}
	}
}

func TestAccepted(t *testing.T) {
	rep := start(t, Config{})
	for _, tt := range []struct{ name, sender, text string }{
		{"one character each", "a", "b"},
		{"64 and 4096 four-byte characters", strings.Repeat("🙂", 64), strings.Repeat("🙂", 4096)},
		{"SQL", "'; DROP TABLE messages; --", "'; DROP TABLE messages; --"},
		{"HTML", "<script>", "<script>alert(1)</script>&amp;"},
		{"control characters in the text", "a", "line 1\r\n\tline 2\x01\x7f\u2028\ufeff"},
		{"only spaces", " ", "  "},
		{"backslashes and quotes", `\"`, `\u0041 "\\"`},
		{"unassigned and private characters", "\U000e0001\ue000", "\uffff\U0010ffff"},
		{"bidi overrides", "\u202eabc", "\u202e\u200b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := rep.post(t, tt.sender, tt.text)
			if got := w[len(w)-1]; got.Sender != tt.sender || got.Text != tt.text {
				t.Errorf("got back sender %q and text %q, want %q and %q", got.Sender, got.Text, tt.sender, tt.text)
			}
		})
	}

	for name, body := range map[string]string{
		"white space around":  " \r\n\t{ \"sender\" : \"a\" ,\n\"text\" : \"b\" } \n",
		"escapes in names":    `{"\u0073ender":"a","t\u0065xt":"b"}`,
		"surrogate pair":      `{"sender":"\ud83d\ude42","text":"\uD83D\uDE42"}`,
		"exactly 64 KiB":      pad(`{"sender":"a","text":"b"}`, 64<<10),
		"all of it in \\u":    `{"sender":"a","text":"` + strings.Repeat(`\u0416`, 4096) + `"}`,
		"escaped solidus":     `{"sender":"a\/b","text":"\b\f\/"}`,
		"U+FFFD as such":      `{"sender":"\ufffd","text":"` + "\ufffd" + `"}`,
		"text named __proto_": `{"sender":"__proto__","text":"constructor"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if resp, got := rep.do(t, "POST", "/messages", body, asJSON()); resp.StatusCode != http.StatusOK {
				t.Errorf("status = %s: %s, want 200", resp.Status, got)
			}
		})
	}

	for _, contentType := range []string{
		"application/json; charset=utf-8", "application/json;charset=UTF-8", `Application/JSON; Charset="utf-8"`, "application/json ; v=1",
	} {
		t.Run(contentType, func(t *testing.T) {
			header := http.Header{"Content-Type": {contentType}, "Content-Encoding": {"identity"}}
			resp, got := rep.do(t, "POST", "/messages", `{"sender":"a","text":"b"}`, header)
			if resp.StatusCode != http.StatusOK {
				t.Errorf("status = %s: %s, want 200", resp.Status, got)
			}
		})
	}
}

// pad appends spaces to body until it has n bytes.
func pad(body string, n int) string { return body + strings.Repeat(" ", n-len(body)) }

func TestNormalisation(t *testing.T) {
	rep := start(t, Config{})
	for i, spelling := range []string{"Jos\u00e9", "Jose\u0301"} {
		w := rep.post(t, spelling, "Jose\u0301")
		got := w[len(w)-1]
		if got.Sender != "Jos\u00e9" || got.SenderCount != int64(i+1) {
			t.Errorf("sender %+q became %+q with count %d, want %+q with count %d", spelling, got.Sender, got.SenderCount, "Jos\u00e9", i+1)
		}
		if got.Text != "Jose\u0301" {
			t.Errorf("text came back as %+q, want it as it was sent", got.Text)
		}
	}
}

func TestIdempotencyKey(t *testing.T) {
	rep := start(t, Config{})
	send := func(key, text string) (*http.Response, string) {
		return rep.do(t, "POST", "/messages", `{"sender":"a","text":"`+text+`"}`, asJSON("Idempotency-Key", key))
	}

	for _, same := range [][]string{
		{`k1`, `"k1"`, `k1`},
		{`"a\"b\\c"`, `"a\"b\\c"`},
		{`a\c`, `"a\\c"`},
		{strings.Repeat("k", 255), `"` + strings.Repeat("k", 255) + `"`},
		{"!~", `"!~"`},
	} {
		var first string
		for i, key := range same {
			resp, got := send(key, "x")
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("key %s: status = %s: %s, want 200", key, resp.Status, got)
			}
			if i == 0 {
				first = got
			}
			if got != first {
				t.Errorf("key %s: answer =\n%s, want the first one again\n%s", key, got, first)
			}
			if replayed := resp.Header.Get("Idempotent-Replayed"); (replayed == "true") != (i > 0) {
				t.Errorf("key %s, time %d: Idempotent-Replayed = %q", key, i+1, replayed)
			}
		}
		resp, got := send(same[0], "other")
		wantProblem(t, resp, got, 422, "idempotency-key-reused", "not_stored", "another message")
	}
}

func TestConcurrentRequests(t *testing.T) {
	const workers, perWorker = 20, 20
	rep := start(t, Config{})
	seen := make([]bool, workers*perWorker+1)
	var mu sync.Mutex // guards seen
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for i := range perWorker {
				text := fmt.Sprint(worker, "/", i)
				w := rep.post(t, "w"+strconv.Itoa(worker%3), text)
				own := w[len(w)-1]
				if own.Text != text {
					t.Errorf("the window of %q ends in %q", text, own.Text)
				}
				mu.Lock()
				if seen[own.Seq] {
					t.Errorf("seq %d was given out twice", own.Seq)
				}
				seen[own.Seq] = true
				mu.Unlock()
			}
		})
	}
	group.Wait()
}

func BenchmarkAppendMessage(b *testing.B) {
	m := messenger.Message{
		Seq: 123456, Sender: "Анна", SenderCount: 12345, SentAt: time.Now().UTC(),
		Text: "привет, \"мир\"\nhow are you? 🙂 run 7, worker 12, number 99",
	}
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendMessage(buf[:0], m)
	}
	b.SetBytes(int64(len(buf)))
}
