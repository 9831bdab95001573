package server

import (
	"net/http"
	"strings"
)

const (
	keyHeader = "Idempotency-Key"
	maxKey    = 255
)

// idempotencyKey returns the request's key, "" if it has none. A key can be
// sent as a string of RFC 8941, as draft-ietf-httpapi-idempotency-key-header-07
// has it, or without the quotes, as many clients do; both spell the same key.
func idempotencyKey(r *http.Request) (string, error) {
	lines := r.Header[keyHeader]
	switch len(lines) {
	case 0:
		return "", nil
	case 1:
	default:
		return "", malformed("%s was sent %d times; send it once", keyHeader, len(lines))
	}

	key := lines[0]
	if strings.HasPrefix(key, `"`) {
		var ok bool
		if key, ok = unquote(key); !ok {
			return "", malformed(`%s is not quoted rightly; quote it as in "a\"b\\c", or leave the quotes out`, keyHeader)
		}
	} else if strings.Contains(key, `"`) {
		return "", malformed(`%s holds a quote but does not begin with one; quote it as in "a\"b\\c"`, keyHeader)
	}
	if key == "" {
		return "", malformed("%s is empty; send at least one character, or leave the header out", keyHeader)
	}
	if len(key) > maxKey {
		return "", malformed("%s has %d characters; at most %d are allowed", keyHeader, len(key), maxKey)
	}
	for i := range len(key) {
		if c := key[i]; c < 0x21 || c > 0x7e {
			return "", malformed("%s holds the byte 0x%02X; use visible ASCII characters only, without spaces", keyHeader, c)
		}
	}
	return key, nil
}

// unquote returns what the string s of RFC 8941 (section 3.3.3), which begins
// with a quote, stands for. The characters between are not checked.
func unquote(s string) (string, bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; c {
		case '"':
			return b.String(), i == len(s)-1
		case '\\':
			i++
			if i == len(s) || s[i] != '"' && s[i] != '\\' {
				return "", false
			}
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", false // no closing quote
}
