package loadtest

import (
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"dummymessenger/internal/verify"
)

const twoMessages = `{"messages":[` +
	`{"seq":41,"sender":"Анна","sender_count":7,"text":"привет \"\\\n","sent_at":"2026-11-24T10:00:00.123456Z"},` +
	`{"seq":42,"sender":"Bob","sender_count":1,"text":"😀\ud83d\ude00\\\\","sent_at":"2026-11-24T10:00:00.123457Z"}]}`

func TestScan(t *testing.T) {
	d := newDecoder(Native())
	window := d.scan([]byte(twoMessages + "\n"))
	want := []verify.Entry{
		{Seq: 41, Sender: "Анна", SenderCount: 7, Text: "привет \"\\\n", SentAt: 1795514400123456},
		{Seq: 42, Sender: "Bob", SenderCount: 1, Text: `😀😀\\`, SentAt: 1795514400123457},
	}
	if len(window) != 2 || *window[0] != want[0] || *window[1] != want[1] {
		t.Fatalf("scan = %v, want %v", entries(window), want)
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
}

// The general decoder reads the forms that scan rejects, and returns the same
// entries.
func TestDecodeUnusual(t *testing.T) {
	d := newDecoder(Native())
	usual, err := d.decode([]byte(twoMessages))
	if err != nil {
		t.Fatal(err)
	}
	spaced := strings.NewReplacer(`{"seq"`, "{\n \"seq\"", `":`, `": `, "Анна", `\u0410нна`).Replace(twoMessages)
	if d.scan([]byte(spaced)) != nil {
		t.Fatal("scan knows a form that it should not")
	}
	window, err := d.decode([]byte(spaced))
	if err != nil || !reflect.DeepEqual(entries(window), entries(usual)) {
		t.Errorf("decode = %v, %v, want %v", entries(window), err, entries(usual))
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
	} {
		if window, err := d.decode([]byte(body)); err == nil {
			t.Errorf("decode(%s) = %v, want an error", body, entries(window))
		}
	}
}

// FuzzScan: what scan accepts the general decoder accepts too, and reads alike.
func FuzzScan(f *testing.F) {
	f.Add([]byte(twoMessages))
	f.Add([]byte(twoMessages + "\n"))
	f.Add([]byte(strings.Replace(twoMessages, ":41", ":1000000000000000000", 1)))
	f.Add([]byte(strings.Replace(twoMessages, "привет", `a\"},{\"seq\":1`, 1)))
	f.Add([]byte(strings.Replace(twoMessages, "Z", "+03:00", 1)))
	f.Add([]byte(`{"messages":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		d := newDecoder(Native())
		window := d.scan(body)
		if window == nil {
			return
		}
		want, err := d.decodeAny(body)
		if err != nil {
			t.Fatalf("scan(%q) = %v, the general decoder says %v", body, entries(window), err)
		}
		if !reflect.DeepEqual(entries(window), entries(want)) {
			t.Fatalf("scan(%q) = %v, want %v", body, entries(window), entries(want))
		}
		// Also when all messages are known already.
		if again := d.scan(body); !reflect.DeepEqual(entries(again), entries(want)) {
			t.Fatalf("second scan(%q) = %v, want %v", body, entries(again), entries(want))
		}
	})
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

// BenchmarkDecode reads windows that hold one new message each.
func BenchmarkDecode(b *testing.B) {
	b.Run("scan", func(b *testing.B) { benchmarkDecode(b, true) })
	b.Run("general", func(b *testing.B) { benchmarkDecode(b, false) })
}

func benchmarkDecode(b *testing.B, native bool) {
	d := newDecoder(Native())
	d.native = native
	messages := strings.Split(strings.TrimSuffix(strings.TrimPrefix(twoMessages, `{"messages":[`), "]}"), ",{")
	last := []byte("{" + messages[1])
	nine := strings.Repeat(messages[0]+",", 9)
	b.ReportAllocs()
	for b.Loop() {
		d.recent.slot(42).Store(nil)
		d.recent.slotOf(last).Store(nil)
		if _, err := d.decode([]byte(`{"messages":[` + nine + "{" + messages[1] + "]}")); err != nil {
			b.Fatal(err)
		}
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
