package server

import (
	"net/http"
	"strings"
	"testing"
)

func TestBadInput(t *testing.T) {
	const good = `{"sender":"a","text":"b"}`
	const shape, value = "malformed-request", "invalid-message"
	type row struct {
		name   string
		body   string
		status int
		typ    string // last part of the problem's type
		detail string // part of it
	}
	bodies := []row{
		{"empty body", "", 400, shape, "body is empty"},
		{"only white space", " \r\n\t", 400, shape, "body is empty"},
		{"not JSON", "hello", 400, shape, "not valid JSON"},
		{"form", "sender=a&text=b", 400, shape, "not valid JSON"},
		{"array", `[` + good + `]`, 400, shape, "body is an array"},
		{"string", `"a"`, 400, shape, "body is a string"},
		{"number", `1`, 400, shape, "body is a number"},
		{"null", `null`, 400, shape, "body is null"},
		{"true", `true`, 400, shape, "body is a boolean"},
		{"two values", good + good, 400, shape, "follows"},
		{"two values on two lines", good + "\n" + good, 400, shape, "follows"},
		{"trailing comma after it", good + ",", 400, shape, "follows"},
		{"NUL byte after it", good + "\x00", 400, shape, "follows"},
		{"trailing comma in it", `{"sender":"a","text":"b",}`, 400, shape, "not valid JSON"},
		{"cut off", `{"sender":"a","text":"b"`, 400, shape, "breaks off"},
		{"cut off in a string", `{"sender":"a","text":"b`, 400, shape, "breaks off"},
		{"only an opening brace", `{`, 400, shape, "breaks off"},
		{"comment", `{"sender":"a",/**/"text":"b"}`, 400, shape, "not valid JSON"},
		{"single quotes", `{'sender':'a','text':'b'}`, 400, shape, "not valid JSON"},
		{"byte order mark", "\ufeff" + good, 400, shape, "not valid JSON"},
		{"UTF-16", "{\x00\"\x00s\x00", 400, shape, "not valid JSON"},
		{"unknown field", `{"sender":"a","text":"b","seq":1}`, 400, shape, `unknown field "seq"`},
		{"field in capitals", `{"Sender":"a","text":"b"}`, 400, shape, `unknown field "Sender"`},
		{"empty field name", `{"sender":"a","text":"b","":1}`, 400, shape, `unknown field ""`},
		{"long unknown field", `{"` + strings.Repeat("ж", 100) + `":1}`, 400, shape, `"` + strings.Repeat("ж", 20) + `"…;`},
		{"hostile unknown field", `{"\u202e<b>\u0000":1}`, 400, shape, `"\u202e<b>\x00"`},
		{"duplicate sender", `{"sender":"a","sender":"a","text":"b"}`, 400, shape, `"sender" is there twice`},
		{"duplicate text", `{"text":"a","sender":"a","text":"b"}`, 400, shape, `"text" is there twice`},
		{"duplicate by an escape", `{"sender":"a","\u0073ender":"a","text":"b"}`, 400, shape, `"sender" is there twice`},
		{"raw line break in a string", "{\"sender\":\"a\",\"text\":\"b\nc\"}", 400, shape, "not valid JSON"},
		{"raw NUL in a string", "{\"sender\":\"a\",\"text\":\"b\x00c\"}", 400, shape, "not valid JSON"},
		{"bad escape", `{"sender":"a","text":"\x41"}`, 400, shape, "not valid JSON"},
		{"invalid UTF-8 in sender", "{\"sender\":\"\xff\",\"text\":\"b\"}", 400, shape, "UTF-8"},
		{"invalid UTF-8 in text", "{\"sender\":\"a\",\"text\":\"\xc3\x28\"}", 400, shape, "UTF-8"},
		{"overlong UTF-8", "{\"sender\":\"a\",\"text\":\"\xc0\xaf\"}", 400, shape, "UTF-8"},
		{"surrogate in UTF-8", "{\"sender\":\"a\",\"text\":\"\xed\xa0\x80\"}", 400, shape, "UTF-8"},
		{"invalid UTF-8 in a name", "{\"\xff\":1}", 400, shape, "UTF-8"},
		{"unpaired high surrogate", `{"sender":"a","text":"\ud83d"}`, 400, shape, "surrogate"},
		{"unpaired high surrogate, then text", `{"sender":"a","text":"\ud83dx"}`, 400, shape, "surrogate"},
		{"unpaired low surrogate", `{"sender":"\ude42","text":"b"}`, 400, shape, "surrogate"},
		{"two high surrogates", `{"sender":"a","text":"\ud83d\ud83d"}`, 400, shape, "surrogate"},
		{"deeply nested", `{"sender":` + strings.Repeat("[", 60000), 400, shape, "sender is an array"},

		{"sender a number", `{"sender":1,"text":"b"}`, 400, shape, "sender is a number"},
		{"sender null", `{"sender":null,"text":"b"}`, 400, shape, "sender is null"},
		{"sender a boolean", `{"sender":false,"text":"b"}`, 400, shape, "sender is a boolean"},
		{"sender an object", `{"sender":{},"text":"b"}`, 400, shape, "sender is an object"},
		{"text an array", `{"sender":"a","text":["b"]}`, 400, shape, "text is an array"},
		{"text null", `{"sender":"a","text":null}`, 400, shape, "text is null"},
		{"text a number", `{"sender":"a","text":-0.5e3}`, 400, shape, "text is a number"},
		{"wrong shape and wrong value", `{"sender":"","text":1}`, 400, shape, "text is a number"},

		{"empty object", `{}`, 422, value, "sender is missing"},
		{"sender missing", `{"text":"b"}`, 422, value, "sender is missing"},
		{"sender empty", `{"sender":"","text":"b"}`, 422, value, "sender is empty"},
		{"sender of 65 characters", `{"sender":"` + strings.Repeat("ж", 65) + `","text":"b"}`, 422, value, "sender has 65 characters"},
		{"sender with NUL", `{"sender":"a\u0000","text":"b"}`, 422, value, "sender holds the character U+0000"},
		{"sender with a line break", `{"sender":"a\nb","text":"b"}`, 422, value, "sender holds the control character U+000A"},
		{"sender with a C1 control", `{"sender":"a\u0085b","text":"b"}`, 422, value, "sender holds the control character U+0085"},
		{"text missing", `{"sender":"a"}`, 422, value, "text is missing"},
		{"text empty", `{"sender":"a","text":""}`, 422, value, "text is empty"},
		{"text of 4097 characters", `{"sender":"a","text":"` + strings.Repeat("🙂", 4097) + `"}`, 422, value, "text has 4097 characters"},
		{"text with NUL", `{"sender":"a","text":"\u0000"}`, 422, value, "text holds the character U+0000"},

		{"64 KiB and one byte", pad(good, 64<<10+1), 413, "", "64 KiB"},
		{"a megabyte", pad(good, 1<<20), 413, "", "64 KiB"},
	}

	rep := start(t, Config{})
	sent := int64(0)
	// stored checks that the rows before stored nothing and that the server goes on.
	goesOn := func(t *testing.T) {
		t.Helper()
		sent++
		w := rep.post(t, "after", t.Name())
		if own := w[len(w)-1]; own.Seq != sent || own.SenderCount != sent {
			t.Fatalf("after it, seq = %d and sender_count = %d, want %d: something was stored", own.Seq, own.SenderCount, sent)
		}
		if got := rep.appends.Load(); got != sent {
			t.Fatalf("Append was called %d times, want %d", got, sent)
		}
	}

	for _, tt := range bodies {
		t.Run(tt.name, func(t *testing.T) {
			resp, got := rep.do(t, "POST", "/messages", tt.body, asJSON())
			wantProblem(t, resp, got, tt.status, tt.typ, "not_stored", tt.detail)
			goesOn(t)
		})
	}

	for _, tt := range []struct {
		name   string
		header http.Header
		status int
		typ    string
		detail string
	}{
		{"no Content-Type", http.Header{}, 415, "", "Content-Type: application/json"},
		{"empty Content-Type", http.Header{"Content-Type": {""}}, 415, "", "Content-Type"},
		{"text/plain", http.Header{"Content-Type": {"text/plain"}}, 415, "", "Content-Type"},
		{"form", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, 415, "", "Content-Type"},
		{"multipart", http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}, 415, "", "Content-Type"},
		{"another JSON", http.Header{"Content-Type": {"application/problem+json"}}, 415, "", "Content-Type"},
		{"a longer name", http.Header{"Content-Type": {"application/jsonp"}}, 415, "", "Content-Type"},
		{"another charset", http.Header{"Content-Type": {"application/json; charset=latin1"}}, 415, "", "charset"},
		{"two charsets", http.Header{"Content-Type": {"application/json; charset=utf-8; charset=latin1"}}, 415, "", "Content-Type"},
		{"two Content-Types", http.Header{"Content-Type": {"application/json", "text/plain"}}, 415, "", "Content-Type"},
		{"two in one line", http.Header{"Content-Type": {"application/json, text/plain"}}, 415, "", "Content-Type"},
		{"gzip", asJSON("Content-Encoding", "gzip"), 415, "", "Content-Encoding"},
		{"identity, then gzip", asJSON("Content-Encoding", "identity", "Content-Encoding", "gzip"), 415, "", "Content-Encoding"},

		{"key empty", asJSON("Idempotency-Key", ""), 400, shape, "Idempotency-Key is empty"},
		{"key of nothing in quotes", asJSON("Idempotency-Key", `""`), 400, shape, "Idempotency-Key is empty"},
		{"key sent twice", asJSON("Idempotency-Key", "a", "Idempotency-Key", "a"), 400, shape, "sent 2 times"},
		{"key with a space", asJSON("Idempotency-Key", "a b"), 400, shape, "0x20"},
		{"quoted key with a space", asJSON("Idempotency-Key", `"a b"`), 400, shape, "0x20"},
		{"key with a tab", asJSON("Idempotency-Key", "a\tb"), 400, shape, "0x09"},
		{"key not ASCII", asJSON("Idempotency-Key", "ключ"), 400, shape, "0xD0"},
		{"key of 256 characters", asJSON("Idempotency-Key", strings.Repeat("k", 256)), 400, shape, "256 characters"},
		{"key without its closing quote", asJSON("Idempotency-Key", `"abc`), 400, shape, "quoted"},
		{"key without its opening quote", asJSON("Idempotency-Key", `abc"`), 400, shape, "quote"},
		{"key with a quote inside", asJSON("Idempotency-Key", `"a"b"`), 400, shape, "quoted"},
		{"key that is one quote", asJSON("Idempotency-Key", `"`), 400, shape, "quoted"},
		{"key with an escaped closing quote", asJSON("Idempotency-Key", `"abc\"`), 400, shape, "quoted"},
		{"key with another escape", asJSON("Idempotency-Key", `"a\nb"`), 400, shape, "quoted"},
		{"key with parameters", asJSON("Idempotency-Key", `"abc";v=1`), 400, shape, "quoted"},

		{"another site", asJSON("Sec-Fetch-Site", "cross-site"), 403, "", "another site"},
		{"another origin", asJSON("Origin", "https://example.org"), 403, "", "another site"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, got := rep.do(t, "POST", "/messages", good, tt.header)
			wantProblem(t, resp, got, tt.status, tt.typ, "not_stored", tt.detail)
			if tt.status == 415 && resp.Header.Get("Accept-Post")+resp.Header.Get("Accept-Encoding") == "" {
				t.Error("415 does not say what would be accepted")
			}
			goesOn(t)
		})
	}

	for _, tt := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/messages", 405, "POST"},
		{"PUT", "/messages", 405, "POST"},
		{"DELETE", "/messages", 405, "POST"},
		{"PATCH", "/messages", 405, "POST"},
		{"OPTIONS", "/messages", 405, "POST"},
		{"post", "/messages", 405, "POST"},
		{"POST", "/livez", 405, "GET, HEAD"},
		{"DELETE", "/readyz", 405, "GET, HEAD"},
		{"GET", "/nothing", 404, ""},
		{"POST", "/nothing", 404, ""},
		{"POST", "/messages/", 404, ""},
		{"POST", "/messages/1", 404, ""},
		{"POST", "//messages", 404, ""},
		{"POST", "/x/../messages", 404, ""},
		{"POST", "/Messages", 404, ""},
		{"GET", "/%00", 404, ""},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			resp, got := rep.do(t, tt.method, tt.path, good, asJSON())
			wantProblem(t, resp, got, tt.status, "", "not_stored", "")
			if got := resp.Header.Get("Allow"); got != tt.allow {
				t.Errorf("Allow = %q, want %q", got, tt.allow)
			}
			goesOn(t)
		})
	}

	t.Run("HEAD", func(t *testing.T) {
		resp, got := rep.do(t, "HEAD", "/messages", "", nil)
		if resp.StatusCode != 405 || resp.Header.Get("Allow") != "POST" || got != "" {
			t.Errorf("HEAD /messages = %s with Allow %q and body %q", resp.Status, resp.Header.Get("Allow"), got)
		}
		goesOn(t)
	})

	if logged := rep.logged.String(); logged != "" {
		t.Errorf("refused requests are in the log:\n%s", logged)
	}
}
