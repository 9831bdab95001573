package loadtest

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// appendRequest appends a whole HTTP request.
func (p *Profile) appendRequest(dst []byte, t *target, sender, text, key string) []byte {
	dst = append(dst, p.Method...)
	dst = append(dst, ' ')
	dst = append(dst, t.path...)
	var scratch [512]byte
	body, contentType := scratch[:0], ""
	switch p.Request.As {
	case "json":
		body, contentType = p.appendJSON(body, sender, text), "application/json"
	case "query":
		switch {
		case !strings.Contains(p.Path, "?"):
			dst = append(dst, '?')
		case !strings.HasSuffix(p.Path, "?") && !strings.HasSuffix(p.Path, "&"):
			dst = append(dst, '&')
		}
		dst = append(dst, url.Values{p.Request.Sender: {sender}, p.Request.Text: {text}}.Encode()...)
	}
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	dst = append(dst, t.host...)
	dst = append(dst, "\r\nUser-Agent: dummymessenger-client\r\n"...)
	if t.token != "" {
		dst = append(dst, "Authorization: Bearer "...)
		dst = append(dst, t.token...)
		dst = append(dst, "\r\n"...)
	}
	if key != "" {
		dst = append(dst, "Idempotency-Key: "...)
		dst = append(dst, key...)
		dst = append(dst, "\r\n"...)
	}
	if contentType != "" {
		dst = append(dst, "Content-Type: "...)
		dst = append(dst, contentType...)
		dst = append(dst, "\r\n"...)
	}
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, body...)
}

func (p *Profile) appendJSON(dst []byte, sender, text string) []byte {
	dst = append(dst, '{')
	dst = appendQuoted(dst, p.Request.Sender)
	dst = append(dst, ':')
	dst = appendQuoted(dst, sender)
	dst = append(dst, ',')
	dst = appendQuoted(dst, p.Request.Text)
	dst = append(dst, ':')
	dst = appendQuoted(dst, text)
	return append(dst, '}')
}

func appendQuoted(dst []byte, s string) []byte {
	dst, err := jsontext.AppendQuote(dst, s)
	if err != nil { // only for invalid UTF-8, which ParseProfile and normalise have refused
		panic(err)
	}
	return dst
}
