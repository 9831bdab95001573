// Package probe looks at a server that stores messages and answers with the last ones,
// and finds the profile by which the load tester can test it.
//
// It knows nothing of the server but its URL. The way in is told by the server's OpenAPI
// document, by the fields that its refusals name, or else guessed; the shape of its
// answers is read off four messages of two senders.
package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/messenger"
	"dummymessenger/internal/verify"
)

// Config says what to look at.
type Config struct {
	URL    string
	Client *http.Client // whose redirects are not followed
	Token  string       // bearer token; none if empty
	Mark   string       // letters that make this probe's messages its own
}

// A Finding is what was found out.
type Finding struct {
	Profile []byte            // JSON, as a file for --profile
	Native  bool              // it is a server of ours, which needs none
	Notes   []verify.Sentence // what was found, and what could not be told
}

// ErrNoWay is returned if no message could be sent.
type ErrNoWay struct {
	Seen   []verify.Sentence // the answers, each kind once
	Advice verify.Sentence
}

func (e *ErrNoWay) Error() string { return "no message could be sent" }

// ErrNoAnswer is returned if the server closes the connection or is silent.
type ErrNoAnswer struct {
	Request string // method and URL
	Reason  string // as loadtest.Reason
}

func (e *ErrNoAnswer) Error() string { return e.Request + ": " + e.Reason }

func say(form string, args ...any) verify.Sentence { return verify.Sentence{Form: form, Args: args} }

// Run probes the server. It sends some twenty messages at most. Its errors are ErrNoWay,
// ErrNoAnswer, those of ctx, and those of answers that no profile can describe.
func Run(ctx context.Context, cfg Config) (*Finding, error) {
	client := *cfg.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	cfg.Client = &client
	p := &prober{Config: cfg, base: strings.TrimRight(cfg.URL, "/")}
	first, err := p.findWay(ctx)
	if err != nil {
		return nil, err
	}
	if p.native {
		return &Finding{Native: true, Notes: []verify.Sentence{say("this is a server of ours: it needs no profile")}}, nil
	}
	sent := []exchange{first}
	for i := 1; i < 4; i++ {
		e := p.send(ctx, p.way, p.sender(i), p.text(fmt.Sprintf("message %s", []string{"", "two", "three", "four"}[i])))
		if e.err != nil {
			return nil, e.err
		}
		if !e.shown() {
			p.note(say("the answer to a later message does not show it: %s", excerpt(e.body)))
			break
		}
		sent = append(sent, e)
	}
	shape, err := infer(sent, time.Now())
	if err != nil {
		return nil, err
	}
	p.notes = append(p.notes, shape.notes...)
	p.limits(ctx, shape)
	if u, err := url.Parse(p.base); err == nil && u.Path != "" { // the profile is to hold all of it
		p.way.path = u.Path + p.way.path
		p.note(say("the path is in the profile: give the client the URL %s://%s", u.Scheme, u.Host))
	}
	profile := p.way.profile(shape)
	if err := check(profile, sent); err != nil {
		return nil, err
	}
	return &Finding{Profile: profile, Notes: p.notes}, nil
}

type prober struct {
	Config
	base   string
	way    way
	native bool
	notes  []verify.Sentence
	seen   []*answer // answers that were of no use, each kind once
	broken int       // paths at which every message got a 5xx
}

func (p *prober) note(s verify.Sentence) { p.notes = append(p.notes, s) }

// sender returns one of two senders who have sent nothing before.
func (p *prober) sender(i int) string { return []string{"Probe Ann ", "Probe Bob "}[i%2] + p.Mark }

func (p *prober) text(words string) string { return words + " of probe " + p.Mark }

// An exchange is a message that was sent, and its answer.
type exchange struct {
	sender, text string
	status       int
	body         []byte
	root         any // body as JSON, nil if it is none
	contentType  string
	location     string // of a redirect, absolute
	err          error
}

// shown reports whether the message was stored and the answer shows it.
func (e *exchange) shown() bool {
	return e.err == nil && e.status/100 == 2 && len(find(e.root, e.text)) > 0
}

// send sends one message.
func (p *prober) send(ctx context.Context, w way, sender, text string) exchange {
	e := exchange{sender: sender, text: text}
	target, body := p.base+w.path, io.Reader(nil)
	switch w.as {
	case "query":
		join := "?"
		if strings.Contains(target, "?") {
			join = "&"
		}
		target += join + url.Values{w.sender: {sender}, w.text: {text}}.Encode()
	default:
		data, err := json.Marshal(map[string]string{w.sender: sender, w.text: text})
		if err != nil {
			return exchange{err: err}
		}
		body = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, w.method, target, body)
	if err != nil {
		return exchange{err: err}
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, data, err := p.do(request)
	if err != nil {
		e.err = err
		return e
	}
	e.status, e.body, e.contentType = response.StatusCode, data, response.Header.Get("Content-Type")
	if to, err := response.Location(); err == nil && e.status/100 == 3 {
		e.location = to.String()
	}
	e.root = parse(data)
	p.native = p.native || response.Header.Get(messenger.ReplicaHeader) != "" && w == nativeWay && e.shown()
	return e
}

func (p *prober) do(request *http.Request) (*http.Response, []byte, error) {
	if p.Token != "" {
		request.Header.Set("Authorization", "Bearer "+p.Token)
	}
	response, err := p.Client.Do(request)
	var data []byte
	if err == nil {
		defer response.Body.Close()
		data, err = io.ReadAll(io.LimitReader(response.Body, 1<<20))
	}
	if err != nil && request.Context().Err() == nil {
		where := *request.URL
		where.RawQuery = ""
		err = &ErrNoAnswer{request.Method + " " + where.String(), loadtest.Reason(err)}
	}
	return response, data, err
}

// parse returns data as JSON, with its numbers as they are written; nil if it is none.
func parse(data []byte) any {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var root any
	if d.Decode(&root) != nil {
		return nil
	}
	return root
}

// limits finds out which texts the server takes.
func (p *prober) limits(ctx context.Context, s *shape) {
	whole := func(text string) bool {
		e := p.send(ctx, p.way, p.sender(0), text)
		return e.shown()
	}
	long := func(n int) string { return p.text(strings.Repeat("long ", n/5)[:n-len(p.text(""))]) }
	if !whole(long(messenger.MaxText)) {
		for _, n := range []int{2000, 1000, 500, 255, 200, 140, 100, 64} {
			if whole(long(n)) {
				s.maxText = n
				p.note(say("texts of %d characters are stored, and longer ones are refused or cut off", n))
				break
			}
		}
	}
	if !whole(p.text("\"quoted\" \\ привет 😀 <b>")) {
		s.plain = true
		p.note(say("texts with quotes, other alphabets or emoji are refused or altered: only words of a to z will be sent; " +
			"if they should be taken, that is a fault"))
	}
}

// check reads the answers as the load tester will.
func check(profile []byte, sent []exchange) error {
	parsed, err := loadtest.ParseProfile(profile)
	if err != nil {
		return fmt.Errorf("the profile that was found is not valid: %w\n%s", err, profile)
	}
	for _, e := range sent {
		window, err := loadtest.Decode(parsed, e.body)
		if err == nil && len(window) == 0 {
			err = errors.New("no message in it")
		}
		if err != nil {
			return fmt.Errorf("the answer cannot be read by the profile that was found: %w\n%s\nThe answer: %s", err, profile, excerpt(e.body))
		}
	}
	return nil
}

// excerpt is the beginning of an answer, on one line.
func excerpt(body []byte) string {
	longest := 300
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		longest = 80 // a page says little
	}
	s := strings.Join(strings.Fields(strings.ToValidUTF8(string(body), "?")), " ")
	if r := []rune(s); len(r) > longest {
		s = string(r[:longest]) + " …"
	}
	return s
}
