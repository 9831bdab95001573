package loadtest

import (
	"strings"
	"sync"

	"dummymessenger/internal/verify"
)

// servers are the identities that answer at the replicas' URLs.
type servers struct {
	urls   []string
	enough int                   // connections to a URL before it is judged
	warn   func(verify.Sentence) // called once for each mistake; may be nil

	mu         sync.Mutex
	identities verify.Identities
	met        []int // connections with an identity, by replica
	byField    map[string]*verify.Identity
	warned     map[string]bool
}

func newServers(c *Config) *servers {
	const enough = 10 // a load balancer does not choose the same server that often by chance
	return &servers{
		urls: c.URLs, enough: min(c.Workers, enough), warn: c.Warn,
		identities: make(verify.Identities, len(c.URLs)), met: make([]int, len(c.URLs)),
		byField: map[string]*verify.Identity{}, warned: map[string]bool{},
	}
}

// meet returns the identity that field, a messenger.ReplicaHeader, gives of the
// server on a connection to replica: the same pointer for equal fields, nil if
// the field is malformed.
func (s *servers) meet(replica int, field string) *verify.Identity {
	s.mu.Lock()
	by := s.byField[field]
	if by == nil {
		if by = parseIdentity(field); by == nil {
			s.mu.Unlock()
			return nil
		}
		if len(s.byField) < len(s.urls)*verify.MaxIdentities {
			s.byField[field] = by
		}
	}
	s.identities.Add(replica, *by)
	s.met[replica]++
	mistakes := s.newMistakes()
	s.mu.Unlock()
	for _, mistake := range mistakes {
		s.warn(mistake)
	}
	return by
}

// newMistakes returns what is wrong with the URLs that have enough connections,
// and was not warned of yet.
func (s *servers) newMistakes() (mistakes []verify.Sentence) {
	if s.warn == nil {
		return nil
	}
	known := make(verify.Identities, len(s.urls))
	for i, n := range s.met {
		if n >= s.enough {
			known[i] = s.identities[i]
		}
	}
	for _, mistake := range append(known.SeveralLogs(s.urls), known.OneServer(s.urls)...) {
		if text := mistake.String(); !s.warned[text] {
			s.warned[text] = true
			mistakes = append(mistakes, mistake)
		}
	}
	return mistakes
}

// seen returns who has answered at replica.
func (s *servers) seen(replica int) []verify.Identity {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]verify.Identity(nil), s.identities[replica]...)
}

// parseIdentity reads a messenger.ReplicaHeader.
func parseIdentity(field string) *verify.Identity {
	instance, rest, _ := strings.Cut(field, ";")
	log, _ := strings.CutPrefix(strings.TrimSpace(rest), "log=")
	if !isName(instance) || log != "" && !isName(log) {
		return nil
	}
	return &verify.Identity{Instance: instance, Log: log}
}

// isName reports whether s is 1–64 letters, digits and hyphens.
func isName(s string) bool {
	return 0 < len(s) && len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	}) < 0
}
