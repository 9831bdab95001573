package probe

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"dummymessenger/internal/verify"
)

// An answer is a kind of answer that was of no use.
type answer struct {
	way way // of the first request
	exchange
	kind  string // equal for answers that say the same
	count int64
}

// whatever reports whether the path answers so whatever the fields are called.
func (e *exchange) whatever() bool {
	switch e.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusProxyAuthRequired, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return e.status/100 == 3
}

// varying matches what differs in answers that say the same: numbers, dates and IDs.
var varying = regexp.MustCompile(`[0-9a-fA-F]{8,}|[0-9]+`)

// saw keeps an answer that did not show the message.
func (p *prober) saw(w way, e exchange) {
	const most = 8
	if e.status == http.StatusNotFound {
		return
	}
	body := excerpt(e.body)
	if len(w.path) > 1 { // some name it
		body = strings.ReplaceAll(body, w.path, "")
	}
	kind := fmt.Sprint(e.status, " ", varying.ReplaceAllString(body, ""))
	if e.whatever() || e.status >= 500 || e.status == http.StatusMethodNotAllowed {
		kind = fmt.Sprint(e.status) // one is enough
	}
	if i := slices.IndexFunc(p.seen, func(a *answer) bool { return a.kind == kind }); i >= 0 {
		p.seen[i].count++
	} else if len(p.seen) < most {
		p.seen = append(p.seen, &answer{w, e, kind, 1})
	}
}

// said is what came, and how often.
func (a *answer) said(base string) verify.Sentence {
	what := excerpt(a.body)
	if a.location != "" {
		what = "→ " + a.location
	}
	line := strings.TrimSpace(fmt.Sprintf("%s %s: %d %s", a.way.method, base+a.way.path, a.status, what))
	if a.count == 1 {
		return say("%s", line)
	}
	return say("%s (so to %s)", line, verify.Quantity{N: a.count, Noun: "request"})
}

// noWay returns the error that says what came instead of the message, and what to do.
func (p *prober) noWay() *ErrNoWay {
	e := &ErrNoWay{Advice: p.advice()}
	for _, a := range p.seen {
		e.Seen = append(e.Seen, a.said(p.base))
	}
	return e
}

// advice says what to do, by the answer that tells most.
func (p *prober) advice() verify.Sentence {
	first := func(match func(*answer) bool) *answer {
		if i := slices.IndexFunc(p.seen, match); i >= 0 {
			return p.seen[i]
		}
		return nil
	}
	if first(func(a *answer) bool { return a.status == http.StatusUnauthorized || a.status == http.StatusForbidden }) != nil {
		if p.Token != "" {
			return say("the server refuses the token in --token-file")
		}
		return say("the server wants to know who asks: --token-file")
	}
	if a := first(func(a *answer) bool { return a.status >= 500 }); a != nil {
		return say("the server fails with status %d; its log should say why", a.status)
	}
	understood := func(a *answer) bool {
		return a.status/100 == 4 && a.status != http.StatusMethodNotAllowed || a.status/100 == 2 && a.root != nil
	}
	if first(understood) == nil {
		if a := first(func(a *answer) bool { return a.location != "" }); a != nil {
			return say("the server redirects to %s; give the URL that takes the messages itself", a.elsewhere())
		}
		if a := first(func(a *answer) bool { return a.status/100 == 2 }); a != nil {
			return say("the answers are not JSON, but %s; give the path of the messages in the URL",
				cmp.Or(a.contentType, http.DetectContentType(a.body)))
		}
	}
	return say("give the path in the URL, or write a profile by hand; docs/PROFILES.md tells how")
}

// elsewhere is the URL that a redirect leads to, without the path that was tried.
func (a *answer) elsewhere() string {
	u, err := url.Parse(a.location)
	if err != nil {
		return a.location
	}
	u.RawQuery = ""
	return strings.TrimSuffix(u.String(), a.way.path)
}
