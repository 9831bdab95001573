package loadtest

import (
	"strings"
	"sync"

	"dummymessenger/internal/verify"
)

// servers knows who answers at the replicas' URLs.
type servers struct {
	urls   []string
	enough int                   // connections of a URL that have to tell before it is judged
	warn   func(verify.Sentence) // told once of each thing that is wrong; may be nil

	mu         sync.Mutex
	identities verify.Identities
	asked      []int // connections that have told, by replica
	named      map[string]*verify.Identity
	told       map[string]bool
}

func newServers(c *Config) *servers {
	const enough = 10 // a load balancer does not choose the same server that often by chance
	return &servers{
		urls: c.URLs, enough: min(c.Workers, enough), warn: c.Warn,
		identities: make(verify.Identities, len(c.URLs)), asked: make([]int, len(c.URLs)),
		named: map[string]*verify.Identity{}, told: map[string]bool{},
	}
}

// meet returns who it is that says field of itself on a connection to replica.
// Equal fields yield the same Identity. It is nil if field is of another form
// than ours.
func (s *servers) meet(replica int, field string) *verify.Identity {
	s.mu.Lock()
	by := s.named[field]
	if by == nil {
		if by = parseIdentity(field); by == nil {
			s.mu.Unlock()
			return nil
		}
		if len(s.named) < len(s.urls)*verify.MaxIdentities {
			s.named[field] = by
		}
	}
	s.identities.Add(replica, *by)
	s.asked[replica]++
	news := s.wrong()
	s.mu.Unlock()
	for _, wrong := range news {
		s.warn(wrong)
	}
	return by
}

// wrong is what is wrong with the URLs that enough connections have told of,
// and has not been told yet.
func (s *servers) wrong() (news []verify.Sentence) {
	if s.warn == nil {
		return nil
	}
	known := make(verify.Identities, len(s.urls))
	for i, n := range s.asked {
		if n >= s.enough {
			known[i] = s.identities[i]
		}
	}
	for _, wrong := range append(known.SeveralLogs(s.urls), known.OneServer(s.urls)...) {
		if text := wrong.String(); !s.told[text] {
			s.told[text] = true
			news = append(news, wrong)
		}
	}
	return news
}

// seen is who has answered at replica.
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
