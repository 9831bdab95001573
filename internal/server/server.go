// Package server is the HTTP side of one replica.
package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"dummymessenger/internal/feed"
	"dummymessenger/internal/messenger"
)

// An Appender appends messages to the log.
type Appender interface {
	// Append stores d, which is valid (messenger.NewDraft), and answers with
	// the window that ends in it. It blocks until the message and all that the
	// answer shows are durable, or ctx ends. It may be called from any number
	// of goroutines.
	//
	// If d.MayExist and a message with d.ID is in the log, nothing is stored:
	// the answer is that message's own, marked as Replayed, if its sender and
	// text are d's, else an error of kind KeyReused.
	//
	// Errors are *messenger.Error. When ctx ends first, the kind is Unavailable
	// if the message certainly is not and will not be stored, else Unknown.
	Append(ctx context.Context, d messenger.Draft) (messenger.Answer, error)
}

// Config is what a Server needs. A duration of 0 means the default.
type Config struct {
	Log    Appender
	Logger *slog.Logger

	// Ready returns nil if a message could be stored now. Details of its
	// errors are shown if they are *messenger.Error. Nil: it always could.
	Ready func(ctx context.Context) error

	// Authorized tells whether a bearer token may send messages and see them.
	// Nil: whoever can connect may.
	Authorized func(token string) bool

	// Certificate is what to serve TLS with. Nil: plain HTTP.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)

	// Feed is what GET /events, GET /history and the page at / show messages
	// from. Nil: none of them is there.
	Feed *feed.Feed

	Status  http.Handler  // answers GET /status.json, for the page at /status; nil: neither is there
	Observe func(Request) // is told of every request answered; must not block; nil: nobody is
	Metrics http.Handler  // answers GET /metrics; nil: nobody does

	// MaxConnections is how many may be open at once; one more is told so and
	// closed. 0: 8192.
	MaxConnections int

	// MaxFarewells is how many of those are told so at one time; the others are
	// only closed. 0: 64.
	MaxFarewells int

	HeaderTimeout  time.Duration // for the headers of a request to arrive: 5 s
	ReadTimeout    time.Duration // for all of it to arrive: 10 s
	RequestTimeout time.Duration // for the message to be stored after that: 5 s
	WriteTimeout   time.Duration // for the caller to take the answer: 10 s
	IdleTimeout    time.Duration // for the next request on a connection: 2 min
	ReadyTimeout   time.Duration // for Ready to return: 2 s
	Heartbeat      time.Duration // until a watcher to whom nothing new was told is told so: 5 s

	// DrainDelay is how long, at the end, requests are still taken while
	// /readyz fails already, so that whoever watches it can turn elsewhere
	// before connections are refused. Default: not at all.
	DrainDelay time.Duration

	// ShutdownTimeout is how long, after that, requests in flight may take
	// until they are answered with what is known by then: 15 s. A connection
	// on which nothing was sent yet counts as one for up to 5 s (net/http).
	ShutdownTimeout time.Duration
}

// maxHeaderBytes bounds the headers of one request; net/http adds 4 KiB.
const maxHeaderBytes = 16 << 10

// lastAnswers is how long requests cut short at shutdown have to send their answers.
const lastAnswers = time.Second

// A Server answers HTTP requests for one replica.
type Server struct {
	cfg     Config
	mux     *http.ServeMux
	routes  []string // as in "GET /livez": what the document must have
	handler http.Handler
	local   bool // set by Serve: only this machine can reach us, and needs no token

	// serving ends when Serve begins to end. It is the Server's own, no caller's.
	serving context.Context
	stop    context.CancelFunc

	connections connections

	instance string                   // a random name of this Server
	replica  atomic.Pointer[[]string] // the value of messenger.ReplicaHeader
}

// New returns a Server that is not serving yet.
func New(cfg Config) *Server {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&cfg.HeaderTimeout, 5 * time.Second},
		{&cfg.ReadTimeout, 10 * time.Second},
		{&cfg.RequestTimeout, 5 * time.Second},
		{&cfg.WriteTimeout, 10 * time.Second},
		{&cfg.IdleTimeout, 2 * time.Minute},
		{&cfg.ReadyTimeout, 2 * time.Second},
		{&cfg.Heartbeat, 5 * time.Second},
		{&cfg.ShutdownTimeout, 15 * time.Second},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	s := &Server{cfg: cfg, mux: http.NewServeMux(), instance: fmt.Sprintf("%016x", rand.Uint64())}
	s.replica.Store(&[]string{s.instance})
	s.serving, s.stop = context.WithCancel(context.Background())
	s.connections.max = int64(cmp.Or(cfg.MaxConnections, 8192))
	s.connections.maxLeaving = int64(cmp.Or(cfg.MaxFarewells, 64))

	s.handle("POST", "/messages", s.authorized(s.postMessage))
	s.handle("GET", "/livez", s.livez)
	s.handle("GET", "/readyz", s.readyz)
	if cfg.Metrics != nil {
		s.handle("GET", "/metrics", foreign(cfg.Metrics))
	}
	if cfg.Feed != nil {
		s.handle("GET", "/events", s.authorized(s.events))
		s.handle("GET", "/history", s.authorized(s.history))
		s.handle("GET", "/{$}", file("index.html"))
		s.handle("GET", "/page/", files)
	}
	if cfg.Feed != nil && cfg.Status != nil {
		s.handle("GET", "/status", file("status.html"))
		s.handle("GET", "/status.json", foreign(cfg.Status))
	}
	s.handle("GET", "/openapi.yaml", s.openapi)
	s.handle("GET", "/docs", s.docs)
	s.mux.Handle("/", s.answering(func(*response, *http.Request) error {
		return &refusal{problem: notFound}
	}))

	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(s.answering(func(*response, *http.Request) error {
		return &refusal{problem: crossOrigin}
	}))
	s.handler = s.guard(s.ownName(sameOrigin.Handler(s.mux)))
	return s
}

// NameLog has answers name the log from now on, by its messenger.Store's LogID.
// Before that they name the Server only.
func (s *Server) NameLog(id string) {
	s.replica.Store(&[]string{s.instance + "; log=" + id})
}

// A handler answers r, or returns an error, before anything is written, to be
// answered with.
type handler func(w *response, r *http.Request) error

// handle has h answer method on path, and other methods refused there.
func (s *Server) handle(method, path string, h handler) {
	allow := method
	if method == http.MethodGet {
		allow = "GET, HEAD"
	}
	s.routes = append(s.routes, method+" "+path)
	s.mux.Handle(method+" "+path, s.answering(h))
	s.mux.Handle(path, s.answering(func(w *response, r *http.Request) error {
		w.Header().Set("Allow", allow)
		return &refusal{problem: methodNotAllowed, detail: "this path answers " + allow + " only"}
	}))
}

// foreign answers with what h does, which knows nothing of problems.
func foreign(h http.Handler) handler {
	return func(w *response, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}

func (s *Server) answering(h handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w := rw.(*response) // guard's
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

// Handler answers as Serve does, without Serve's timeouts and shutdown.
func (s *Server) Handler() http.Handler { return s.handler }

// Serve answers requests on ln until ctx ends. Then it makes /readyz fail,
// refuses connections, waits for the requests in flight and returns nil, or an
// error if it had to cut some of them off without an answer. It closes ln.
// A Server serves once.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	defer s.connections.farewells.Wait()
	s.local = isLocal(ln.Addr()) && s.cfg.Authorized == nil

	// Requests outlive ctx, so that they can be answered.
	requests, cutShort := context.WithCancel(context.WithoutCancel(ctx))
	defer cutShort()

	srv := &http.Server{
		Handler:           s.handler,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ReadHeaderTimeout: s.cfg.HeaderTimeout,
		ReadTimeout:       s.cfg.ReadTimeout,
		IdleTimeout:       s.cfg.IdleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnState:         s.connections.track,
		// net/http counts this one from the end of the headers on.
		WriteTimeout: s.cfg.ReadTimeout + s.cfg.RequestTimeout + s.cfg.WriteTimeout,
		ErrorLog:     log.New(connectionLog{s.cfg.Logger}, "", 0),
	}

	ln = &limitedListener{Listener: ln, connections: &s.connections, noRoom: s.noRoom, plain: s.cfg.Certificate == nil}
	if s.cfg.Certificate != nil {
		ln = tls.NewListener(ln, &tls.Config{
			MinVersion:     tls.VersionTLS12,
			GetCertificate: s.cfg.Certificate,
			// Not HTTP/2: one connection is one request at a time, so that the
			// limit of connections bounds the memory that callers can take.
			NextProtos: []string{"http/1.1"},
		})
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()

	var failed error
	select {
	case <-ctx.Done():
	case failed = <-served:
	}
	s.stop()
	if failed == nil && s.cfg.DrainDelay > 0 {
		select {
		case <-time.After(s.cfg.DrainDelay):
		case failed = <-served:
		}
	}

	err := shutdown(srv, s.cfg.ShutdownTimeout)
	if err != nil {
		cutShort()
		err = shutdown(srv, lastAnswers)
	}
	if err != nil {
		srv.Close()
		err = fmt.Errorf("requests were cut off at shutdown: %w", err)
	}
	if failed != nil {
		return errors.Join(fmt.Errorf("serve: %w", failed), err)
	}
	<-served
	return err
}

func shutdown(srv *http.Server, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return srv.Shutdown(ctx)
}

func (s *Server) isStopping() bool { return s.serving.Err() != nil }
