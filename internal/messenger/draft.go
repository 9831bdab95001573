package messenger

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a message, in Unicode code points.
const (
	MaxSender = 64
	MaxText   = 4096
)

// An ID identifies one request to store a message: a UUID (RFC 9562).
type ID [16]byte

// KeyID returns the ID of requests with this idempotency key: a UUIDv8 made of the
// key's SHA-256 (RFC 9562, section 5.8 and appendix B.2), so that equal keys meet in
// the log's unique index, whichever replica they reach.
func KeyID(key string) ID {
	sum := sha256.Sum256([]byte(key))
	id := ID(sum[:16])
	id[6] = id[6]&0x0f | 0x80 // version 8
	id[8] = id[8]&0x3f | 0x80 // variant 10
	return id
}

// A Draft is a message that is not in the log yet.
type Draft struct {
	ID     ID
	Sender string // NFC
	Text   string

	// MayExist tells the store to look for ID in the log before it inserts: an
	// earlier request with the same key, or an earlier try whose outcome is unknown,
	// may have stored it.
	MayExist bool
}

// NewDraft checks sender and text and normalises sender to NFC, so that one name is
// one sender. The caller sets the ID. Errors are of kind Invalid.
func NewDraft(sender, text string) (Draft, error) {
	if err := check("sender", sender, 0); err != nil { // its length counts in NFC
		return Draft{}, err
	}
	// NFC is costly, and makes a text at best four times shorter.
	if n := utf8.RuneCountInString(sender); n > maxDecomposition*MaxSender {
		return Draft{}, tooLong("sender", n, MaxSender)
	}
	sender = nfc(sender)
	if err := check("sender", sender, MaxSender); err != nil {
		return Draft{}, err
	}
	if i := strings.IndexFunc(sender, unicode.IsControl); i >= 0 {
		r, _ := utf8.DecodeRuneInString(sender[i:])
		return Draft{}, invalid("sender holds the control character U+%04X; use letters, digits, spaces and signs only", r)
	}
	if err := check("text", text, MaxText); err != nil {
		return Draft{}, err
	}
	return Draft{Sender: sender, Text: text}, nil
}

// check tests what sender and text have in common. A max of 0 is no limit.
func check(field, s string, max int) error {
	switch {
	case s == "":
		return invalid("%s is empty; send at least one character", field)
	case !utf8.ValidString(s):
		return invalid("%s is not valid UTF-8", field)
	case strings.IndexByte(s, 0) >= 0:
		return invalid("%s holds the character U+0000 (NUL), which cannot be stored; leave it out", field)
	case max > 0 && len(s) > max: // only then can it have more than max characters
		if n := utf8.RuneCountInString(s); n > max {
			return tooLong(field, n, max)
		}
	}
	return nil
}

func tooLong(field string, n, max int) error {
	return invalid("%s has %d characters; at most %d are allowed", field, n, max)
}

func invalid(format string, args ...any) error {
	return &Error{Kind: Invalid, Detail: fmt.Sprintf(format, args...)}
}
