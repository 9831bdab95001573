package server

import (
	"net/http"
	"net/url"
	"strconv"
)

// maxSeq is below every overflow, and exact in JavaScript.
const maxSeq = 1<<53 - 1

// numberParameter is the number in r's query under name, or value if there is none.
func numberParameter(r *http.Request, name string, least, most, value int64) (int64, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil { // Query would leave out what it cannot read, and a place with it
		return 0, malformed("the query cannot be read; percent-encode what is special in it")
	}
	switch values := query[name]; len(values) {
	case 0:
		return value, nil
	case 1:
		return parseNumber(name, values[0], least, most)
	default:
		return 0, malformed("%s was sent %d times; send it once", name, len(values))
	}
}

func parseNumber(name, s string, least, most int64) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63) // which takes no sign
	if n := int64(n); err != nil || n < least || n > most {
		return 0, malformed("%s is %s; send a whole number from %d to %d", name, excerpt(s), least, most)
	}
	return int64(n), nil
}
