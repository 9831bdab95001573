package loadtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"dummymessenger/internal/verify"
)

func readExample(t *testing.T, name string) *Profile {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../examples/profiles", name))
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParseProfile(data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The requests and answers that docs/PROFILES.md shows.
func TestExampleProfiles(t *testing.T) {
	tests := []struct {
		file, uri, body, answer string
		window                  []verify.Entry
		missing                 verify.Fields
	}{
		{
			file: "fastapi-query.json",
			uri:  "/base/send_message?message_text=%D0%BF%D1%80+%26&sender_name=%D0%90%D0%BD%D0%BD%D0%B0",
			answer: `[{"message_id": 12, "sender_name": "Анна", "user_message_count": 3, "message_text": "привет",
				"created_at": "2026-11-24T10:00:00.123456"},
				{"message_id": 11, "sender_name": "Bob", "user_message_count": 5, "message_text": "hi",
				"created_at": "2026-11-24 13:00:00+03:00", "id": null}]`,
			window: []verify.Entry{
				{Seq: 11, Sender: "Bob", SenderCount: 5, Text: "hi", SentAt: 1795514400000000},
				{Seq: 12, Sender: "Анна", SenderCount: 3, Text: "привет", SentAt: 1795514400123456},
			},
		},
		{
			file:   "json-data.json",
			uri:    "/base/api/v1/messages",
			body:   `{"author":"Анна","body":"пр &"}`,
			answer: `{"data": {"items": [{"number": "12", "author": {"name": "Анна"}, "body": "привет", "created": 1795514400123}]}}`,
			window: []verify.Entry{
				{Seq: 12, Sender: "Анна", Text: "привет", SentAt: 1795514400123000},
			},
			missing: verify.SenderCount,
		},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			p := readExample(t, test.file)
			target, err := newTarget("http://127.0.0.1:8001/base/", p.Path)
			if err != nil {
				t.Fatal(err)
			}
			r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(p.appendRequest(nil, target, "Анна", "пр &", ""))))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(r.Body)
			if err != nil || r.RequestURI != test.uri || string(body) != test.body || r.Host != "127.0.0.1:8001" {
				t.Errorf("request %s to %s with body %s, %v; want %s with %s", r.RequestURI, r.Host, body, err, test.uri, test.body)
			}
			window, err := newDecoder(p).decode([]byte(test.answer))
			if err != nil || !reflect.DeepEqual(entries(window), test.window) {
				t.Errorf("decode = %v, %v, want %v", entries(window), err, test.window)
			}
			if p.Answer.missing() != test.missing {
				t.Errorf("missing %v, want %v", p.Answer.missing(), test.missing)
			}
		})
	}
}

func TestNativeRequest(t *testing.T) {
	target, err := newTarget("https://[::1]", "/messages")
	if err != nil {
		t.Fatal(err)
	}
	if target.address != "[::1]:https" || target.tls == nil || target.tls.ServerName != "::1" {
		t.Errorf("target %+v, want port 443 of ::1, over TLS", target)
	}
	text := "\"\\\n\x01\u2028<\U0001f600"
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(Native().appendRequest(nil, target, "O'Brien", text, "[dm:x:1:2]"))))
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Sender, Text string }
	if err := json.NewDecoder(r.Body).Decode(&got); err != nil || got.Sender != "O'Brien" || got.Text != text {
		t.Errorf("body %+v, %v, want sender and text as they were", got, err)
	}
	if r.Method != "POST" || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Idempotency-Key") != "[dm:x:1:2]" {
		t.Errorf("%s with %v, want a POST of JSON with its key", r.Method, r.Header)
	}
}

func TestParseProfileErrors(t *testing.T) {
	for _, s := range []string{
		``, `[]`, `{}`, `{"path": "messages"}`, `{"path": "/a b", "answer": {"text": "t"}}`,
		`{"path": "/", "answer": {}}`,
		`{"path": "/", "answer": {"text": "t", "date": "roman"}}`,
		`{"path": "/", "answer": {"text": "t", "order": "up"}}`,
		`{"path": "/", "answer": {"text": "t", "utc_offset": "Europe/Berlin"}}`,
		`{"path": "/", "request": {"as": "xml"}, "answer": {"text": "t"}}`,
		`{"path": "/", "answr": {"text": "t"}}`,
		`{"path": "/чат", "answer": {"text": "t"}}`, `{"path": "/a\u0000", "answer": {"text": "t"}}`,
		`{"path": "/a\tb", "answer": {"text": "t"}}`,
		`{"path": "/a#b", "answer": {"text": "t"}}`, `{"method": "PO ST", "path": "/", "answer": {"text": "t"}}`,
		`{"path": "/?text=x", "request": {"as": "query"}, "answer": {"text": "t"}}`,
		`{"path": "/?a=b&who=x", "request": {"as": "query", "sender": "who"}, "answer": {"text": "t"}}`,
	} {
		if _, err := ParseProfile([]byte(s)); err == nil {
			t.Errorf("ParseProfile(%s) has no error", s)
		}
	}
	if _, err := ParseProfile([]byte(`{"path": "/", "answer": {"text": "t"}}`)); err != nil {
		t.Errorf("ParseProfile of the least profile: %v", err)
	}
}

// A path may have a query of its own.
func TestPathWithQuery(t *testing.T) {
	for path, want := range map[string]string{
		"/send":          "/base/send?sender=s+t&text=x%26y",
		"/send?":         "/base/send?sender=s+t&text=x%26y",
		"/send?room=1":   "/base/send?room=1&sender=s+t&text=x%26y",
		"/send?room=1&":  "/base/send?room=1&sender=s+t&text=x%26y",
		"/send%3F?a=%23": "/base/send%3F?a=%23&sender=s+t&text=x%26y",
	} {
		for _, as := range []string{"query", "json"} {
			p, err := ParseProfile(fmt.Appendf(nil, `{"path": %q, "request": {"as": %q}, "answer": {"text": "t"}}`, path, as))
			if err != nil {
				t.Fatal(err)
			}
			target, err := newTarget("http://a/base/", p.Path)
			if err != nil {
				t.Fatal(err)
			}
			r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(p.appendRequest(nil, target, "s t", "x&y", ""))))
			if err != nil {
				t.Fatal(err)
			}
			if as == "json" {
				want = "/base" + path
			}
			if r.RequestURI != want {
				t.Errorf("path %q as %s is sent as %q, want %q", path, as, r.RequestURI, want)
			}
		}
	}
}

// The address to dial and the Host field are not the same part of a URL.
func TestTargets(t *testing.T) {
	for raw, want := range map[string][2]string{ // address and Host
		"http://127.0.0.1:8001":   {"127.0.0.1:8001", "127.0.0.1:8001"},
		"http://a":                {"a:http", "a"},
		"http://[::1]:8001/":      {"[::1]:8001", "[::1]:8001"},
		"http://[::1]":            {"[::1]:http", "[::1]"},
		"http://[fe80::1%25lo]:1": {"[fe80::1%lo]:1", "[fe80::1]:1"},
		"https://[fe80::1%25lo]":  {"[fe80::1%lo]:https", "[fe80::1]"},
	} {
		target, err := newTarget(raw, "/")
		if err != nil || target.address != want[0] || target.host != want[1] ||
			target.tls != nil && strings.Contains(target.tls.ServerName, "%") {
			t.Errorf("%s: %+v, %v, want %v", raw, target, err, want)
		}
	}
}

// An error in a profile is reported once, in the profile's words.
func TestProfileMistakes(t *testing.T) {
	for s, want := range map[string]string{
		`{"path": "/", "answer": {"txt": "t"}}`: `there is no key "answer.txt"`,
		`{"path": 3}`:                           `"path" is a JSON number, which it must not be`,
		`[]`:                                    `a profile is a JSON object`,
	} {
		if _, err := ParseProfile([]byte(s)); err == nil || err.Error() != want {
			t.Errorf("ParseProfile(%s) = %v, want %s", s, err, want)
		}
	}
	p, err := ParseProfile([]byte(`{"path": "/", "answer": {"messages": "data", "seq": "id", "text": "t", "sent_at": "at"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]string{
		`{"data": [{"no": 1}]}`: `answer.seq: no "id" in the message. The answer: {"data": [{"no": 1}]}`,
		`{"data": [{"id": 1.5}]}`: `answer.seq: "id" should be a whole number, and is "1.5". ` +
			`The answer: {"data": [{"id": 1.5}]}`,
		`{"data": [{"id": 1, "t": "x", "at": "monday"}]}`: `answer.sent_at: "at" should be a date of the form "rfc3339", ` +
			`and is "monday". The answer: {"data": [{"id": 1, "t": "x", "at": "monday"}]}`,
		`{"items": []}`: `answer.messages: no "data". The answer: {"items": []}`,
		`{"data": {}}`:  `answer.messages: "data" should be an array. The answer: {"data": {}}`,
	} {
		test, err := New(Config{URLs: []string{"http://127.0.0.1:1"}, Requests: 1, Profile: p})
		if err != nil {
			t.Fatal(err)
		}
		if r := test.classify("", response{status: 200, body: []byte(body)}, nil); r.detail != want {
			t.Errorf("%s is told as\n%s, want\n%s", body, r.detail, want)
		}
	}
}

// If the profile names the wrong order, the server is not blamed. If the server
// breaks the order now and then, it is.
func TestWrongOrder(t *testing.T) {
	const falling = `[{"id": 3, "t": "c"}, {"id": 2, "t": "b"}, {"id": 1, "t": "a"}]`
	const rising = `[{"id": 1, "t": "a"}, {"id": 2, "t": "b"}, {"id": 3, "t": "c"}]`
	for order, bodies := range map[string][2]string{"asc": {falling, rising}, "desc": {rising, falling}} {
		for _, seq := range []string{"id", ""} {
			p, err := ParseProfile(fmt.Appendf(nil, `{"path": "/", "answer": {"seq": %q, "text": "t", "order": %q}}`, seq, order))
			if err != nil {
				t.Fatal(err)
			}
			test, err := New(Config{URLs: []string{"http://127.0.0.1:1"}, Requests: 1, Profile: p})
			if err != nil {
				t.Fatal(err)
			}
			classify := func(body string) result {
				return test.classify("c", response{status: 200, body: []byte(body)}, nil)
			}
			if r := classify(bodies[0]); r.outcome != verify.Unknown || !strings.Contains(r.detail, "answer.order") {
				t.Errorf("order %s, seq %q, the wrong way round: %v %q", order, seq, r.outcome, r.detail)
			}
			if r := classify(bodies[1]); r.outcome != verify.OK {
				t.Errorf("order %s, seq %q, the right way round: %v %q", order, seq, r.outcome, r.detail)
			}
			if r := classify(bodies[0]); r.outcome != verify.OK {
				t.Errorf("order %s, seq %q, the wrong way round once it was right: %v %q, want it left to the checks", order, seq,
					r.outcome, r.detail)
			}
		}
	}
}

// Where a server sends the client elsewhere, the summary says where.
func TestRedirect(t *testing.T) {
	test, err := New(Config{URLs: []string{"http://127.0.0.1:1"}, Requests: 1})
	if err != nil {
		t.Fatal(err)
	}
	r := test.classify("", response{status: 307, location: "http://127.0.0.1:1/messages/"}, nil)
	if r.outcome != verify.Unknown || !strings.Contains(r.detail, "http://127.0.0.1:1/messages/") {
		t.Errorf("a redirection is %v, %q", r.outcome, r.detail)
	}
}

func TestDateForms(t *testing.T) {
	const want = 1795514400123456
	for form, examples := range map[string][]string{
		"rfc3339": {"2026-11-24T10:00:00.123456Z", "2026-11-24T13:00:00.123456+03:00"},
		"isoformat": {"2026-11-24T10:00:00.123456", "2026-11-24 10:00:00.123456", "2026-11-24T10:00:00.123456+00:00",
			"2026-11-24 12:00:00.123456+02:00",
			"2026-11-24 10:00:00.123456+00", "2026-11-24T12:30:00.123456+0230"},
		"unix":    {"1795514400.123456", "1.795514400123456e9"},
		"unix_ms": {"1795514400123.456"},
		"unix_us": {"1795514400123456"},
	} {
		for _, s := range examples {
			if got, err := dateForms[form](s, time.UTC); err != nil || got != want {
				t.Errorf("%s: %s = %d, %v, want %d", form, s, got, err, int64(want))
			}
		}
		for _, s := range []string{"", "yesterday", "1e999999999", "99999999999999999999999"} {
			if got, err := dateForms[form](s, time.UTC); err == nil {
				t.Errorf("%s: %s = %d, want an error", form, s, got)
			}
		}
	}
}

func TestUTCOffset(t *testing.T) {
	p, err := ParseProfile([]byte(`{"path": "/", "answer": {"text": "t", "sent_at": "at", "date": "isoformat", "utc_offset": "+03:00"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, date := range []string{"2026-11-24T13:00:00.123456", "2026-11-24T10:00:00.123456Z"} {
		window, err := newDecoder(p).decode([]byte(`[{"t": "x", "at": "` + date + `"}]`))
		if err != nil || window[0].SentAt != 1795514400123456 {
			t.Errorf("%s is %v, %v", date, entries(window), err)
		}
	}
}
