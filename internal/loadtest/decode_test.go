package loadtest

import (
	"cmp"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"dummymessenger/internal/verify"
)

const twoMessages = `{"messages":[` +
	`{"seq":41,"sender":"Анна","sender_count":7,"text":"привет \"\\\n","sent_at":"2026-11-24T10:00:00.123456Z"},` +
	`{"seq":42,"sender":"Bob","sender_count":1,"text":"😀\ud83d\ude00\\\\","sent_at":"2026-11-24T10:00:00.123457Z"}]}`

func TestDecode(t *testing.T) {
	d := newDecoder(Native())
	window, err := d.decode([]byte(twoMessages + "\n"))
	want := []verify.Entry{
		{Seq: 41, Sender: "Анна", SenderCount: 7, Text: "привет \"\\\n", SentAt: 1795514400123456},
		{Seq: 42, Sender: "Bob", SenderCount: 1, Text: `😀😀\\`, SentAt: 1795514400123457},
	}
	if err != nil || !reflect.DeepEqual(entries(window), want) {
		t.Fatalf("decode = %v, %v, want %v", entries(window), err, want)
	}
	// The second time, and in another window, the entries are the same ones.
	_, second, _ := strings.Cut(twoMessages, ",{")
	again, err := d.decode([]byte(`{"messages":[{` + second))
	if err != nil || len(again) != 1 || again[0] != window[1] {
		t.Errorf("decode = %v, %v, want the very entry that is known", entries(again), err)
	}
	// One byte more, and it is another message.
	other, err := d.decode([]byte(strings.Replace(twoMessages, "привет", "приветы", 1)))
	if err != nil || len(other) != 2 || other[0] == window[0] || other[0].Text == window[0].Text || other[1] != window[1] {
		t.Errorf("decode = %v, %v, want a new first entry and the known second one", entries(other), err)
	}
	// In whatever form the same JSON is written, it has the same entries.
	spaced := strings.NewReplacer(`{"seq"`, "{\n \"seq\"", `":`, `": `, "Анна", `\u0410нна`, "}", " } ").Replace(twoMessages)
	for range 2 {
		if window, err = d.decode([]byte(spaced)); err != nil || !reflect.DeepEqual(entries(window), want) {
			t.Errorf("decode = %v, %v, want %v", entries(window), err, want)
		}
	}
}

func TestGarbled(t *testing.T) {
	d := newDecoder(Native())
	for _, body := range []string{
		"", "null", "[]", "{}", `{"messages":null}`, `{"messages":{}}`, `{"messages":[1]}`, `{"messages":[{}]}`,
		twoMessages[:len(twoMessages)-1], twoMessages + "x", twoMessages + twoMessages,
		strings.Replace(twoMessages, "41", "041", 1),
		strings.Replace(twoMessages, "41", "9223372036854775808", 1),
		strings.Replace(twoMessages, "41", "4.1", 1),
		strings.Replace(twoMessages, "привет", "\xff", 1),
		strings.Replace(twoMessages, "привет", "a\nb", 1),
		strings.Replace(twoMessages, "привет", `\x`, 1),
		strings.Replace(twoMessages, "привет", `\ud83d`, 1),
		strings.Replace(twoMessages, "2026-11-24", "2026-11-34", 1),
		strings.Replace(twoMessages, `"sender":"Анна"`, `"sender":null`, 1),
		strings.Replace(twoMessages, `"sender":"Анна"`, `"sender":"Анна","sender":"Bob"`, 1),
		strings.Replace(twoMessages, `"text"`, `"txt"`, 1),
		strings.Replace(twoMessages, "},{", "}{", 1), strings.Replace(twoMessages, "}]}", "},]}", 1),
		strings.TrimSuffix(twoMessages, "}") + `,"messages":[]}`, strings.TrimSuffix(twoMessages, "]}") + "}",
	} {
		// Also when what is right in it is known already.
		if _, err := d.decode([]byte(twoMessages)); err != nil {
			t.Fatal(err)
		}
		if window, err := d.decode([]byte(body)); err == nil {
			t.Errorf("decode(%s) = %v, want an error", body, entries(window))
		}
	}
}

// FuzzDecode: the decoder accepts an answer if json does, and reads it alike.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(twoMessages))
	f.Add([]byte(twoMessages + "\n"))
	f.Add([]byte(strings.Replace(twoMessages, ":41", ":1000000000000000000", 1)))
	f.Add([]byte(strings.Replace(twoMessages, "привет", `a\"},{\"seq\":1`, 1)))
	f.Add([]byte(strings.Replace(twoMessages, "Z", "+03:00", 1)))
	f.Add([]byte(strings.Replace(twoMessages, `"seq":41`, `"seq":"41"`, 1)))
	f.Add([]byte(strings.Replace(twoMessages, `"seq":41`, `"s\u0065q":41`, 1)))
	f.Add([]byte(`{"messages":[]}`))
	f.Add([]byte(`{"a":{"messages":1},"messages":[],"b":[{}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		d := newDecoder(Native())
		window, err := d.decode(body)
		want, wantErr := reference(body)
		if (err == nil) != (wantErr == nil) || err == nil && !reflect.DeepEqual(entries(window), want) {
			t.Fatalf("decode(%q) = %v, %v, want %v, %v", body, entries(window), err, want, wantErr)
		}
		// Also when all messages are known already.
		if again, againErr := d.decode(body); (againErr == nil) != (err == nil) || !reflect.DeepEqual(entries(again), entries(window)) {
			t.Fatalf("second decode(%q) = %v, %v, want %v, %v", body, entries(again), againErr, entries(window), err)
		}
	})
}

// reference decodes an answer of the Native profile.
func reference(body []byte) (window []verify.Entry, err error) {
	var answer map[string]jsontext.Value
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	var messages []map[string]jsontext.Value
	if answer["messages"].Kind() != '[' {
		return nil, errors.New("no array")
	}
	if err := json.Unmarshal(answer["messages"], &messages); err != nil {
		return nil, err
	}
	window = []verify.Entry{}
	for _, m := range messages {
		field := func(name string) (s string) {
			switch v := m[name]; v.Kind() {
			case '0':
				return string(v)
			case '"':
				err = cmp.Or(err, json.Unmarshal(v, &s))
			default:
				err = errors.New("neither a string nor a number")
			}
			return s
		}
		number := func(name string) int64 {
			n, numErr := strconv.ParseInt(field(name), 10, 64)
			err = cmp.Or(err, numErr)
			return n
		}
		at, dateErr := time.Parse(time.RFC3339, field("sent_at"))
		err = cmp.Or(err, dateErr)
		window = append(window, verify.Entry{Seq: number("seq"), Sender: field("sender"), SenderCount: number("sender_count"),
			Text: field("text"), SentAt: at.UnixMicro()})
	}
	return window, err
}

// FuzzDecodeAny: what the general decoder takes is one JSON value, and has as
// many messages where the profile says as there are.
func FuzzDecodeAny(f *testing.F) {
	profile := Native()
	profile.Answer.Messages = "data.items"
	f.Add([]byte(`{"data": {"items": []}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		window, err := newDecoder(profile).decode(body)
		if err != nil {
			return
		}
		var answer struct {
			Data struct {
				Items []jsontext.Value `json:"items"`
			} `json:"data"`
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			t.Fatalf("decode(%q) = %v, but it is %v", body, entries(window), err)
		}
		if len(window) != len(answer.Data.Items) {
			t.Fatalf("decode(%q) = %v, of %d messages", body, entries(window), len(answer.Data.Items))
		}
	})
}

// BenchmarkDecode reads windows that hold one new message each: answers in our own
// server's form and in one with spaces.
func BenchmarkDecode(b *testing.B) {
	first, second, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(twoMessages, `{"messages":[`), "]}"), ",{")
	second = "{" + second
	usual := `{"messages":[` + strings.Repeat(first+",", 9) + second + "]}"
	for name, body := range map[string]string{"usual": usual, "spaced": strings.ReplaceAll(usual, ",", ", ")} {
		b.Run(name, func(b *testing.B) {
			d := newDecoder(Native())
			answer := []byte(body)
			newest := d.slot(answer[strings.LastIndex(body, "{"):])
			b.ReportAllocs()
			for b.Loop() {
				newest.Store(nil)
				if _, err := d.decode(answer); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func entries(window []*verify.Entry) []verify.Entry {
	e := make([]verify.Entry, len(window))
	for i := range window {
		e[i] = *window[i]
	}
	return e
}

// Even without verification, a body that is not an answer does not count as OK.
func TestUnverifiedAnswers(t *testing.T) {
	array := *Native()
	array.Answer.Messages = ""
	deep := *Native()
	deep.Answer.Messages = "data.items"
	for _, tt := range []struct {
		profile *Profile
		body    string
		want    verify.Outcome
	}{
		{Native(), `{"messages":[]}`, verify.OK},
		{Native(), "\n{ \"messages\": [] }\r\n", verify.OK},
		{Native(), "<!doctype html><title>Log in</title>", verify.Unknown},
		{Native(), `{"error":"log in"}`, verify.Unknown},
		{Native(), "", verify.Unknown},
		{&array, "[]", verify.OK},
		{&array, "{}", verify.Unknown},
		{&deep, `{"data":{"items":[]}}`, verify.OK},
		{&deep, "ok", verify.Unknown},
	} {
		test, err := New(Config{URLs: []string{"http://127.0.0.1:1"}, Requests: 1, Unverified: true, Profile: tt.profile})
		if err != nil {
			t.Fatal(err)
		}
		if got := test.classify("", response{status: 200, body: []byte(tt.body)}, nil); got.outcome != tt.want ||
			got.outcome != verify.OK && (got.reason != garbled || got.detail == "") {
			t.Errorf("%q of %q: %v (%s: %s), want %v", tt.body, tt.profile.Answer.Messages, got.outcome, got.reason, got.detail, tt.want)
		}
	}
}
