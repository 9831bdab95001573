package server

import (
	"context"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"dummymessenger/internal/messenger"
)

// postMessage stores the message in the body and answers with its window.
func (s *Server) postMessage(w *response, r *http.Request) error {
	if err := checkContent(w, r); err != nil {
		return err
	}
	key, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	draft, err := readDraft(w, r)
	if err != nil {
		return err
	}
	if key != "" {
		draft.ID, draft.MayExist = messenger.KeyID(key), true
	} else {
		draft.ID = messenger.ID(uuid.Must(uuid.NewV7()))
	}

	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.RequestTimeout)
	defer cancel()
	answer, err := s.cfg.Log.Append(ctx, draft)
	if err != nil {
		return err
	}
	if answer.Replayed {
		w.Header().Set("Idempotent-Replayed", "true")
		w.replayed = true
	}
	writeMessages(w, answer.Messages)
	return nil
}

// What stands around the messages of an answer.
var (
	answerHead = []byte(`{"messages":[`)
	answerTail = []byte(`]}`)
)

// writeMessages answers with encoded messages, which are joined by commas.
func writeMessages(w *response, messages []byte) {
	h := w.Header()
	h["Content-Type"] = jsonContent
	// Without it, net/http sends what is longer than 2 KiB in chunks.
	h["Content-Length"] = []string{strconv.Itoa(len(answerHead) + len(messages) + len(answerTail))}
	// If a write fails, the caller has gone.
	w.Write(answerHead)
	w.Write(messages)
	w.Write(answerTail)
}

// AppendMessages appends messages to dst as an Answer holds them, joined by commas.
func AppendMessages(dst []byte, messages []messenger.Message) []byte {
	for i, m := range messages {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendMessage(dst, m)
	}
	return dst
}

// AppendMessage appends m to dst as the JSON object that answers show.
func AppendMessage(dst []byte, m messenger.Message) []byte {
	dst = append(dst, `{"seq":`...)
	dst = strconv.AppendInt(dst, m.Seq, 10)
	dst = append(dst, `,"sender":`...)
	dst = appendString(dst, m.Sender)
	dst = append(dst, `,"sender_count":`...)
	dst = strconv.AppendInt(dst, m.SenderCount, 10)
	dst = append(dst, `,"text":`...)
	dst = appendString(dst, m.Text)
	dst = append(dst, `,"sent_at":"`...)
	dst = m.SentAt.UTC().AppendFormat(dst, sentAtLayout)
	return append(dst, `"}`...)
}

const sentAtLayout = "2006-01-02T15:04:05.000000Z"

// appendString escapes only what JSON demands (RFC 8785, section 3.2.2.2).
func appendString(dst []byte, s string) []byte {
	dst, err := jsontext.AppendQuote(dst, s)
	_ = err // invalid UTF-8, which no message has; it would have been replaced
	return dst
}
