package server

import (
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"dummymessenger/internal/messenger"
)

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

// AppendEvent appends m to dst as /events shows it.
func AppendEvent(dst []byte, m messenger.Message) []byte {
	dst = slices.Grow(dst, 160+len(m.Sender)+len(m.Text))
	dst = append(dst, "id: "...)
	dst = strconv.AppendInt(dst, m.Seq, 10)
	dst = append(dst, "\ndata: "...)
	dst = AppendMessage(dst, m) // has no line breaks: JSON escapes them
	return append(dst, "\n\n"...)
}

// encodeLast encodes the last of messages, as many as fit into historyBytes.
func encodeLast(messages []messenger.Message) []byte {
	var one []byte
	size, first := 0, len(messages)
	for first > 0 {
		one = AppendMessage(one[:0], messages[first-1])
		if size+len(one) > historyBytes {
			break
		}
		size += len(one) + 1 // and a comma
		first--
	}
	return AppendMessages(make([]byte, 0, size), messages[first:])
}

// An answer is its messages between these.
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
	// If a write fails, the caller has left.
	w.Write(answerHead)
	w.Write(messages)
	w.Write(answerTail)
}
