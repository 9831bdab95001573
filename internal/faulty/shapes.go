package faulty

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"dummymessenger/internal/messenger"
)

// A shape is how a server that is not ours takes messages and answers.
type shape struct {
	profile string // for the client
	answer  func(w http.ResponseWriter, own messenger.Message, window messages)
}

// handler serves next in this shape.
func (s *shape) handler(next replica) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Sender, Text string }
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		d, err := messenger.NewDraft(body.Sender, body.Text)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		window := next(d)
		own := window[slices.IndexFunc(window, func(m messenger.Message) bool { return m.Text == d.Text })]
		s.answer(w, own, window)
	})
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v) // if it fails, the caller has left
}

// object is a message as an object of these keys, with its date in the form given.
func object(m messenger.Message, location *time.Location, layout string) map[string]any {
	return map[string]any{
		"id": m.Seq, "name": m.Sender, "count": m.SenderCount, "body": m.Text, "created_at": m.SentAt.In(location).Format(layout),
	}
}

const objectProfile = `{"path": "/messages", "answer": {"seq": "id", "sender": "name", "sender_count": "count",
	"text": "body", "sent_at": "created_at"}}`

// objects answers with an array of objects.
var objects = shape{objectProfile, func(w http.ResponseWriter, _ messenger.Message, window messages) {
	all := []any{}
	for _, m := range window {
		all = append(all, object(m, time.UTC, time.RFC3339Nano))
	}
	writeJSON(w, all)
}}

// closing is objects, and ends the connection after each answer.
var closing = shape{objectProfile, func(w http.ResponseWriter, own messenger.Message, window messages) {
	w.Header().Set("Connection", "close")
	objects.answer(w, own, window)
}}

// localDates answers with dates of Moscow time that do not say so.
var localDates = shape{
	strings.Replace(objectProfile, `"answer": {`, `"answer": {"date": "isoformat", "utc_offset": "+03:00", `, 1),
	func(w http.ResponseWriter, _ messenger.Message, window messages) {
		all := []any{}
		for _, m := range window {
			all = append(all, object(m, time.FixedZone("", 3*3600), "2006-01-02T15:04:05.000000"))
		}
		writeJSON(w, all)
	},
}

// countBeside answers with messages that are arrays, in an object with numbered keys,
// and with the count of the own message beside them.
var countBeside = shape{
	`{"path": "/messages", "answer": {"messages": "last", "keyed": true, "own_count": "count", "seq": "0", "sender": "1", "text": "2"}}`,
	func(w http.ResponseWriter, own messenger.Message, window messages) {
		var last strings.Builder // a map would be sorted by the keys as texts: 1, 10, 2 …
		for i, m := range window {
			if i > 0 {
				last.WriteByte(',')
			}
			key, _ := json.Marshal(i + 1)
			value, _ := json.Marshal([]any{m.Seq, m.Sender, m.Text})
			last.WriteString(`"` + string(key) + `":` + string(value))
		}
		writeJSON(w, map[string]any{"count": own.SenderCount, "last": json.RawMessage("{" + last.String() + "}")})
	},
}
