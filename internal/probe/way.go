package probe

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"dummymessenger/internal/loadtest"
)

// A way is how a message is sent.
type way struct {
	method, path string
	as           string // json or query
	sender, text string // names of the fields
}

var nativeWay = way{loadtest.Native().Method, loadtest.Native().Path, "json", "sender", "text"}

// Where servers of this kind take messages, and what they call the fields.
var (
	usualPaths = []string{
		"/messages", "/message", "/send", "/send_message", "/messages/", "/message/", "/send_message/", "/api/messages", "/api/message",
		"/api/v1/messages", "/api/send", "/api/send_message", "/chat", "/", "",
	}
	usualFields = [][2]string{
		{"sender", "text"}, {"name", "text"}, {"sender", "message"}, {"sender_name", "message_text"}, {"sender_name", "text"},
		{"author", "text"}, {"user", "text"}, {"username", "text"}, {"user", "message"}, {"author", "body"}, {"from", "text"},
		{"name", "message"}, {"sender", "content"}, {"sender_name", "content"}, {"username", "message"},
	}
)

// findWay sends the first message.
func (p *prober) findWay(ctx context.Context) (exchange, error) {
	for _, w := range p.documented(ctx) {
		if e := p.try(ctx, w); e.shown() {
			p.note(say("its OpenAPI document tells how messages are sent: %s %s", w.method, p.base+w.path))
			return e, nil
		} else if e.err != nil {
			return e, e.err
		}
	}
	for _, path := range usualPaths {
		e, found, err := p.tryPath(ctx, path)
		switch {
		case err != nil:
			return e, err
		case found:
			p.note(say("messages can be sent: %s %s, as %s", p.way.method, p.base+p.way.path, p.way.as))
			return e, nil
		}
		if p.broken == 2 { // it fails whatever it is asked
			break
		}
	}
	return exchange{}, p.noWay()
}

func (p *prober) try(ctx context.Context, w way) exchange {
	e := p.send(ctx, w, p.sender(0), p.text("message one"))
	if e.shown() {
		p.way = w
	} else if e.err == nil {
		p.saw(w, e)
	}
	return e
}

// tryPath tries one path in all ways that its answers do not rule out.
func (p *prober) tryPath(ctx context.Context, path string) (e exchange, found bool, err error) {
	for _, method := range []string{"POST", "PUT", "GET"} {
		allowed, broken := true, true
		for _, fields := range usualFields {
			for _, as := range []string{"json", "query"} {
				if method == "GET" && as == "json" {
					continue
				}
				w := way{method, path, as, fields[0], fields[1]}
				e = p.try(ctx, w)
				if e, err = p.followHints(ctx, e, w); err != nil {
					return e, false, err
				}
				broken = broken && e.status >= 500
				switch {
				case e.err != nil:
					return e, false, e.err
				case e.shown():
					return e, true, nil
				case e.whatever():
					return e, false, nil
				case e.status == http.StatusMethodNotAllowed, e.status/100 == 2 && strings.Contains(e.contentType, "html"):
					allowed = false
				}
			}
			if !allowed {
				break
			}
		}
		if broken {
			p.broken++
			return e, false, nil
		}
	}
	return e, false, nil
}

// followHints tries what refusals tell. Some name one field after the other.
func (p *prober) followHints(ctx context.Context, e exchange, w way) (exchange, error) {
	for range 3 {
		hints := hinted(e, w)
		if e.shown() || len(hints) == 0 || hints[0] == w {
			break
		}
		for _, hint := range hints {
			w = hint
			if e = p.try(ctx, hint); e.err != nil || e.shown() {
				break
			}
		}
		if len(hints) > 1 && e.shown() {
			p.note(say("which of %s and %s is the sender is a guess", p.way.sender, p.way.text))
		}
	}
	return e, e.err
}

// quotedName is how a refusal in words names a field.
var quotedName = regexp.MustCompile("['\"`]([A-Za-z_][A-Za-z0-9_]*)['\"`]")

// hinted returns the ways that a refusal tells by naming the fields that are missing, as
// FastAPI and others do.
func hinted(e exchange, w way) []way {
	if e.err != nil || e.status/100 != 4 || e.whatever() || e.status == http.StatusMethodNotAllowed {
		return nil
	}
	refusal, ok := e.root.(map[string]any)
	if !ok {
		return nil
	}
	var names []string
	details, _ := refusal["detail"].([]any)
	for _, d := range details {
		detail, _ := d.(map[string]any)
		loc, _ := detail["loc"].([]any)
		if len(loc) < 2 {
			continue
		}
		name, ok := loc[len(loc)-1].(string)
		if !ok {
			continue
		}
		names = append(names, name)
		if where, _ := loc[0].(string); where == "query" {
			w.as = "query"
		} else if where == "body" {
			w.as = "json"
		}
	}
	if names == nil { // in words, in whatever field
		each(e.root, nil, func(_ path, v any) {
			words, _ := v.(string)
			for _, m := range quotedName.FindAllStringSubmatch(words, -1) {
				names = append(names, m[1])
			}
		})
	}
	if found, ok := w.named(names); ok {
		return []way{found}
	}
	if len(names) == 2 { // of names that tell nothing, the one or the other
		one, other := w, w
		one.sender, one.text = names[0], names[1]
		other.sender, other.text = names[1], names[0]
		return []way{one, other}
	}
	return nil
}

// named returns w with the fields of these that are a sender and a text. One that is
// missing there is w's own.
func (w way) named(fields []string) (way, bool) {
	best := func(words map[string]int, not string) (name string) {
		most := 0
		for _, field := range fields {
			score := 0
			for word, n := range words {
				if strings.Contains(strings.ToLower(field), word) {
					score = max(score, n)
				}
			}
			if field != not && score > most {
				name, most = field, score
			}
		}
		return name
	}
	text := best(map[string]int{"text": 9, "content": 8, "body": 7, "message": 6, "msg": 5, "what": 3}, "")
	sender := best(map[string]int{"sender": 9, "author": 8, "from": 7, "user": 6, "name": 5, "login": 4, "nick": 4, "who": 3}, text)
	if len(fields) == 2 && text != "" && sender == "" {
		sender = fields[1-slices.Index(fields, text)]
	}
	if len(fields) == 2 && sender != "" && text == "" {
		text = fields[1-slices.Index(fields, sender)]
	}
	if text == "" && sender == "" {
		return w, false
	}
	if text != "" {
		w.text = text
	}
	if sender != "" {
		w.sender = sender
	}
	return w, true
}

// documented returns the ways that the server's OpenAPI document tells.
func (p *prober) documented(ctx context.Context) (ways []way) {
	places := []string{p.base + "/openapi.json"}
	if u, err := url.Parse(p.base); err == nil && u.Path != "" {
		places = append(places, u.Scheme+"://"+u.Host+"/openapi.json")
	}
	for _, place := range places {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, place, nil)
		if err != nil {
			return nil
		}
		response, data, err := p.do(request)
		if err != nil || response.StatusCode != http.StatusOK {
			continue
		}
		var document map[string]any
		if json.Unmarshal(data, &document) == nil {
			ways = append(ways, openAPI(document)...)
		}
	}
	return ways
}

// openAPI returns the operations of a document that take a sender and a text.
func openAPI(document map[string]any) (ways []way) {
	paths, _ := document["paths"].(map[string]any)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		if strings.Contains(path, "{") {
			continue
		}
		item, _ := paths[path].(map[string]any)
		for _, method := range []string{"post", "put", "get"} {
			operation, ok := item[method].(map[string]any)
			if !ok {
				continue
			}
			var query []string
			parameters, _ := operation["parameters"].([]any)
			for _, raw := range parameters {
				parameter, _ := resolve(document, raw).(map[string]any)
				name, _ := parameter["name"].(string)
				if parameter["in"] == "query" && name != "" {
					query = append(query, name)
				}
			}
			w := way{method: strings.ToUpper(method), path: path, as: "json"}
			if found, ok := w.named(properties(document, operation)); ok && found.sender != "" && found.text != "" {
				ways = append(ways, found)
			}
			w.as = "query"
			if found, ok := w.named(query); ok && found.sender != "" && found.text != "" {
				ways = append(ways, found)
			}
		}
	}
	return ways
}

// properties returns the fields of an operation's JSON body.
func properties(document, operation map[string]any) []string {
	body, _ := resolve(document, operation["requestBody"]).(map[string]any)
	content, _ := body["content"].(map[string]any)
	media, _ := content["application/json"].(map[string]any)
	schema, _ := resolve(document, media["schema"]).(map[string]any)
	fields, _ := schema["properties"].(map[string]any)
	return slices.Sorted(maps.Keys(fields))
}

// resolve follows a reference within the document.
func resolve(document map[string]any, v any) any {
	for range 8 { // a loop would have no end
		object, _ := v.(map[string]any)
		reference, ok := object["$ref"].(string)
		if !ok {
			return v
		}
		v = any(document)
		for key := range strings.SplitSeq(strings.TrimPrefix(reference, "#/"), "/") {
			object, _ := v.(map[string]any)
			v = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(key)]
		}
	}
	return nil
}
