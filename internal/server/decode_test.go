package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"dummymessenger/internal/messenger"
)

// Every accepted body keeps the contract, means the same to another JSON decoder, and
// comes back unchanged from AppendMessage.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"sender":"Анна","text":"привет"}`,
		` {"text":"\ud83d\ude42\n\"\\\/","\u0073ender":"e\u0301"} `,
		`{"sender":"a","text":"b","text":"c"}`,
		`{"sender":"\ud83d","text":"b"}`,
		"{\"sender\":\"\xff\",\"text\":\"\"}",
		`{"sender":null,"text":[{}]}{}`,
		`{"sender":"\u0000","text":"<script>\u2028"}`,
		``, `{`, `nul`, `[[[[`,
	} {
		f.Add([]byte(seed))
	}
	var d decoder // used again and again, as from the pool
	f.Fuzz(func(t *testing.T, body []byte) {
		d.body.Reset()
		d.body.Write(body)
		draft, err := d.decode()
		if err != nil {
			kind := messenger.KindOf(err)
			if kind != messenger.Malformed && kind != messenger.Invalid {
				t.Fatalf("decode(%q) failed with kind %v", body, kind)
			}
			said := err.Error()
			if len(said) > 400 || !utf8.ValidString(said) || strings.ContainsFunc(said, func(r rune) bool { return r < ' ' }) {
				t.Fatalf("decode(%q) = %q, which is not fit to be shown", body, err)
			}
			return
		}

		n, m := utf8.RuneCountInString(draft.Sender), utf8.RuneCountInString(draft.Text)
		if n < 1 || n > messenger.MaxSender || m < 1 || m > messenger.MaxText {
			t.Fatalf("decode(%q) accepted %d characters of sender and %d of text", body, n, m)
		}
		var reference map[string]string
		if err := json.Unmarshal(body, &reference); err != nil {
			t.Fatalf("decode(%q) accepted what encoding/json does not: %v", body, err)
		}
		if len(reference) != 2 || norm.NFC.String(reference["sender"]) != draft.Sender || reference["text"] != draft.Text {
			t.Fatalf("decode(%q) = %q, %q; encoding/json says %q", body, draft.Sender, draft.Text, reference)
		}
		var shown shownMessage
		encoded := AppendMessage(nil, messenger.Message{Seq: 1, Sender: draft.Sender, SenderCount: 1, Text: draft.Text})
		if err := json.Unmarshal(encoded, &shown); err != nil {
			t.Fatalf("AppendMessage made %s: %v", encoded, err)
		}
		if shown.Sender != draft.Sender || shown.Text != draft.Text {
			t.Fatalf("%q, %q came back as %q, %q", draft.Sender, draft.Text, shown.Sender, shown.Text)
		}
	})
}

func FuzzIdempotencyKey(f *testing.F) {
	for _, seed := range []string{"", "k", `"k"`, `"a\"b\\c"`, `"`, `"\`, "a b", `"a"b`, strings.Repeat("k", 256)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		r := &http.Request{Header: http.Header{keyHeader: {line}}}
		key, err := idempotencyKey(r)
		if err != nil {
			return
		}
		if len(key) < 1 || len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Fatalf("idempotencyKey(%q) = %q", line, key)
		}
		r.Header[keyHeader] = []string{`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`}
		if quoted, err := idempotencyKey(r); quoted != key || err != nil {
			t.Fatalf("%q is the key %q, but quoted it is %q, %v", line, key, quoted, err)
		}
	})
}
