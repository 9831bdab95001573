// Package server is the HTTP side of one replica.
package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math/rand/v2"
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

	// Opening names the database that has yet to open the log. Until LogOpened, Ready
	// and Feed are not called, and callers who need them get 503. Empty: it is open.
	Opening string

	// Ready returns nil if a message could be stored now. Callers are told the reason
	// if the error is a *messenger.Error. Nil: one always could.
	Ready func(ctx context.Context) error

	// Authorized reports whether a bearer token is valid. Nil: no token is needed.
	Authorized func(token string) bool

	// Certificate returns what to serve TLS with. Nil: plain HTTP.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)

	// Feed is where GET /events, GET /history and the page at / get messages from.
	// Nil: these routes do not exist.
	Feed *feed.Feed

	Status  http.Handler  // answers GET /status.json, for the page at /status; nil: neither exists
	Observe func(Request) // is called after every request; must not block; may be nil
	Metrics http.Handler  // answers GET /metrics; nil: it does not exist

	// MaxConnections is how many may be open at once; one more is refused with an
	// answer that says so. 0: 8192.
	MaxConnections int

	// MaxFarewells is how many of these answers may be on their way at once; more
	// connections are closed without one. 0: 64.
	MaxFarewells int

	HeaderTimeout  time.Duration // for the headers of a request to arrive: 5 s
	ReadTimeout    time.Duration // for all of it to arrive: 10 s
	RequestTimeout time.Duration // for the message to be stored after that: 5 s
	WriteTimeout   time.Duration // for the caller to take the answer: 10 s
	IdleTimeout    time.Duration // for the next request on a connection: 2 min
	ReadyTimeout   time.Duration // for Ready to return: 2 s
	Heartbeat      time.Duration // interval of an idle /events stream's heartbeats: 5 s

	// DrainDelay is how long, at shutdown, requests are still taken while /readyz
	// already fails, so that a load balancer can turn away from this replica before
	// it refuses connections. Default: not at all.
	DrainDelay time.Duration

	// ShutdownTimeout is how long, after that, requests in flight may take before
	// they are answered with what is known by then: 15 s. For net/http, a connection
	// on which nothing was sent yet counts as one for up to 5 s.
	ShutdownTimeout time.Duration
}

// A Server answers HTTP requests for one replica.
type Server struct {
	cfg     Config
	mux     *http.ServeMux
	routes  []string // as in "GET /livez": what the document must have
	handler http.Handler
	local   bool // set by Serve: only this machine can reach us, and needs no token

	// serving ends when Serve begins to shut down.
	serving context.Context
	stop    context.CancelFunc

	connections connections

	instance string                   // a random name of this Server
	replica  atomic.Pointer[[]string] // the value of messenger.ReplicaHeader
	opening  atomic.Bool              // LogOpened has yet to be called
}

// New returns a Server that is not serving yet.
func New(cfg Config) *Server {
	cfg.HeaderTimeout = cmp.Or(cfg.HeaderTimeout, 5*time.Second)
	cfg.ReadTimeout = cmp.Or(cfg.ReadTimeout, 10*time.Second)
	cfg.RequestTimeout = cmp.Or(cfg.RequestTimeout, 5*time.Second)
	cfg.WriteTimeout = cmp.Or(cfg.WriteTimeout, 10*time.Second)
	cfg.IdleTimeout = cmp.Or(cfg.IdleTimeout, 2*time.Minute)
	cfg.ReadyTimeout = cmp.Or(cfg.ReadyTimeout, 2*time.Second)
	cfg.Heartbeat = cmp.Or(cfg.Heartbeat, 5*time.Second)
	cfg.ShutdownTimeout = cmp.Or(cfg.ShutdownTimeout, 15*time.Second)

	s := &Server{cfg: cfg, mux: http.NewServeMux(), instance: fmt.Sprintf("%016x", rand.Uint64())}
	s.replica.Store(&[]string{s.instance})
	s.opening.Store(cfg.Opening != "")
	s.serving, s.stop = context.WithCancel(context.Background())
	s.connections.max = int64(cmp.Or(cfg.MaxConnections, 8192))
	s.connections.maxLeaving = int64(cmp.Or(cfg.MaxFarewells, 64))

	s.handle("POST", "/messages", s.authorized(s.postMessage))
	s.handle("GET", "/livez", s.livez)
	s.handle("GET", "/readyz", s.whenOpen(s.readyz))
	if cfg.Metrics != nil {
		s.handle("GET", "/metrics", adapt(cfg.Metrics))
	}
	if cfg.Feed != nil {
		s.handle("GET", "/events", s.authorized(s.whenOpen(s.events)))
		s.handle("GET", "/history", s.authorized(s.whenOpen(s.history)))
		s.handle("GET", "/{$}", file("index.html"))
		s.handle("GET", "/page/", files)
	}
	if cfg.Feed != nil && cfg.Status != nil {
		s.handle("GET", "/status", file("status.html"))
		s.handle("GET", "/status.json", adapt(cfg.Status))
	}
	s.handle("GET", "/openapi.yaml", s.openapi)
	s.handle("GET", "/docs", docs)
	s.mux.Handle("/", s.answering(func(*response, *http.Request) error {
		return &refusal{problem: notFound}
	}))

	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(s.answering(func(*response, *http.Request) error {
		return &refusal{problem: crossOrigin}
	}))
	s.handler = s.guard(s.checkHost(sameOrigin.Handler(s.mux)))
	return s
}

// LogOpened tells s that the log is open and can be read, and its LogID, which
// answers name from then on.
func (s *Server) LogOpened(id string) {
	s.replica.Store(&[]string{s.instance + "; log=" + id})
	s.opening.Store(false)
}

// whenOpen refuses requests until the log is open. Messages are not refused: they
// wait in the combiner's queue.
func (s *Server) whenOpen(h handler) handler {
	return func(w *response, r *http.Request) error {
		switch {
		case !s.opening.Load():
			return h(w, r)
		case s.isStopping():
			return &refusal{problem: stopping}
		}
		return &refusal{problem: opening, detail: "this replica is starting and waits for its database (" + s.cfg.Opening + ") " +
			"to open the log; use another replica or try again in a moment"}
	}
}

// A handler answers r, or writes nothing and returns an error, which is then the
// answer.
type handler func(w *response, r *http.Request) error

// handle routes method on path to h, and refuses other methods there.
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

// adapt wraps an http.Handler.
func adapt(h http.Handler) handler {
	return func(w *response, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}

// answering makes an http.Handler of h, which answers with h's errors.
func (s *Server) answering(h handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w := rw.(*response) // made by guard
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

// Handler answers as Serve does, without Serve's timeouts and shutdown.
func (s *Server) Handler() http.Handler { return s.handler }
