// Package faulty holds servers with one fault each. They test that the load
// tester detects the fault and names it correctly.
//
// Each is two replicas on loopback, most of them of our own server, some of the shapes
// of others. Their log makes the mistakes of wrong programs, in steps that race, on a
// correct database in memory.
package faulty

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"

	"dummymessenger/internal/messenger"
	"dummymessenger/internal/server"
	"dummymessenger/internal/verify"
)

// A Server is one way to be wrong, or to be correct.
type Server struct {
	Name  string
	Fault string // in one sentence, what is done and what comes of it
	Found string // where it is met in practice

	// Breaks lists the checks that the fault breaks in every run; the first one
	// names the fault. Also lists those that it may break as a consequence. No
	// other check may report a violation. Both are empty for a correct server.
	Breaks []verify.Check
	Also   []verify.Check

	// Drops tells that some answers never reach the caller although the
	// message was stored. It needs a client that tries again.
	Drops bool

	// shape is how it takes messages and answers; nil: as our own server does.
	shape *shape

	// replica starts replica 0 or 1 on their database.
	replica func(db *database, index int) replica
}

// A replica stores d and returns the window to answer with, or nil to answer that
// d is not stored.
type replica func(d messenger.Draft) messages

type messages = []messenger.Message

// stateless makes replicas that are alike and keep no state. steps handles a
// whole request.
func stateless(steps func(*database, messenger.Draft) messages) func(*database, int) replica {
	return func(db *database, _ int) replica {
		return func(d messenger.Draft) messages { return steps(db, d) }
	}
}

// All are the faulty servers.
var All = slices.Concat(rows, races)

// Replicas is how many a Server has.
const Replicas = 2

// Allows reports whether s may break c.
func (s *Server) Allows(c verify.Check) bool {
	return slices.Contains(s.Breaks, c) || slices.Contains(s.Also, c)
}

// Profile describes the shape of s to the client, in JSON; "" if that is our own server's.
func (s *Server) Profile() string {
	if s.shape == nil {
		return ""
	}
	return s.shape.profile
}

// Running is a Server that serves.
type Running struct {
	URLs []string // of its replicas

	servers []*http.Server
	serving sync.WaitGroup
}

// Start starts s with an empty log. The seed decides how often and how long
// things take; what comes of it is up to the scheduler as well.
func (s *Server) Start(seed uint64) (*Running, error) {
	db := newDatabase(seed)
	r := new(Running)
	for i := range Replicas {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			r.Close()
			return nil, err
		}
		answer := s.replica(db, i)
		if s.Drops {
			answer = dropping(answer, db)
		}
		logger := slog.New(slog.DiscardHandler)
		var handler http.Handler
		if s.shape != nil {
			handler = s.shape.handler(answer)
		} else {
			handler = server.New(server.Config{Log: appender(answer), Logger: logger}).Handler()
		}
		srv := &http.Server{
			Handler:  handler,
			ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
		}
		r.URLs = append(r.URLs, "http://"+ln.Addr().String())
		r.servers = append(r.servers, srv)
		r.serving.Go(func() { srv.Serve(ln) })
	}
	return r, nil
}

// Close stops the replicas at once.
func (r *Running) Close() {
	for _, srv := range r.servers {
		srv.Close()
	}
	r.serving.Wait()
}

// An appender adapts a replica to server.Appender.
type appender replica

var _ server.Appender = appender(nil)

func (a appender) Append(_ context.Context, d messenger.Draft) (messenger.Answer, error) {
	window := a(d)
	if window == nil {
		return messenger.Answer{}, &messenger.Error{Kind: messenger.Unavailable}
	}
	return messenger.Answer{Messages: server.AppendMessages(nil, window)}, nil
}

// dropping breaks the connection in place of some of next's answers.
func dropping(next replica, db *database) replica {
	return func(d messenger.Draft) messages {
		drop := db.oneIn(seldom)
		window := next(d)
		if drop {
			panic(http.ErrAbortHandler)
		}
		return window
	}
}
