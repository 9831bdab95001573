package server

import "dummymessenger/internal/messenger"

// Routes are what s answers, as in "GET /livez".
func Routes(s *Server) []string { return s.routes }

// A Problem is one that callers can see, but for what is special to a request.
type Problem struct {
	Status     int
	Reason     string
	Body       []byte
	RetryAfter int
}

// Problems are all of them.
func Problems() []Problem {
	var all []Problem
	add := func(p *problem, outcome string) {
		all = append(all, Problem{p.status, p.reason(), p.body("", outcome), p.retryAfter})
	}
	for kind := range problems {
		p, _, outcome := explain(&messenger.Error{Kind: messenger.Kind(kind)})
		add(p, outcome)
	}
	for _, p := range httpProblems {
		add(p, outcomeNotStored)
	}
	return all
}
