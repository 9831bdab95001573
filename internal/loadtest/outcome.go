package loadtest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"

	"dummymessenger/internal/verify"
)

// A result is what one try came to.
type result struct {
	outcome verify.Outcome
	reason  string // a few words that group well
	window  []*verify.Entry
	count   int64  // of the own message, if it stands beside them
	detail  string // of an answer that may tell of a mistake in the profile
	said    string // by another bad answer
	passing bool   // the same try may well succeed later

	at         time.Time        // when it ended
	by         *verify.Identity // who answered
	retryAfter string           // the answer's field of that name
}

// classify decides what is known after one try to send text. The outcome is
// Failed only if the message is certainly not stored. After any other bad
// answer it is Unknown.
func (t *Test) classify(text string, answer response, err error) result {
	if err != nil {
		if e, ok := errors.AsType[*sendError](err); ok && e.unsent {
			return result{outcome: verify.Failed, reason: e.reason, passing: true}
		}
		return result{reason: err.Error(), passing: true}
	}
	switch {
	case answer.status/100 == 2:
		if t.verifier == nil {
			if !t.decoder.plausible(answer.body) {
				return result{reason: garbled, detail: excerpt(answer.body)}
			}
			return result{outcome: verify.OK}
		}
		window, err := t.decoder.decode(answer.body)
		if err == nil {
			err = t.decoder.checkOrder(window, text)
		}
		var count int64
		if err == nil && t.config.Profile.Answer.OwnCount != "" {
			count, err = t.decoder.ownCount(answer.body)
		}
		if err != nil {
			return result{reason: garbled, detail: fmt.Sprintf("%v. The answer: %s", err, excerpt(answer.body))}
		}
		return result{outcome: verify.OK, window: window, count: count}
	case answer.status/100 == 3 && answer.location != "":
		return result{
			reason: fmt.Sprintf("status %d", answer.status),
			detail: "the server says to ask at " + excerpt([]byte(answer.location)) + " instead, which the client does not",
		}
	case answer.status/100 == 4, slices.Contains(t.config.Profile.NotStored, answer.status):
		return result{
			outcome: verify.Failed, reason: fmt.Sprintf("status %d", answer.status),
			detail: excerpt(answer.body), passing: passing(answer.status),
		}
	case answer.status == http.StatusServiceUnavailable && saysNotStored(answer.body):
		return result{outcome: verify.Failed, reason: "status 503, not stored", passing: true}
	}
	return result{
		reason: fmt.Sprintf("status %d", answer.status), said: excerpt(answer.body), passing: passing(answer.status),
	}
}

const garbled = "garbled answer"

// excerpt returns the beginning of an answer's body, on one line.
func excerpt(body []byte) string {
	const longest = 200
	if len(body) == 0 {
		return "empty"
	}
	s := strings.ToValidUTF8(string(body[:min(len(body), longest)]), "")
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if len(body) > longest {
		s += " …"
	}
	return s
}

// saysNotStored reports whether body has our extension of problem details
// (RFC 9457, section 3.2).
func saysNotStored(body []byte) bool {
	var problem struct {
		Outcome string `json:"outcome"`
	}
	return json.Unmarshal(body, &problem) == nil && problem.Outcome == "not_stored"
}
