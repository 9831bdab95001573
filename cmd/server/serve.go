package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"

	"dummymessenger/internal/credentials"
	"dummymessenger/internal/feed"
	"dummymessenger/internal/groupcommit"
	"dummymessenger/internal/messenger"
	"dummymessenger/internal/metrics"
	"dummymessenger/internal/program"
	"dummymessenger/internal/server"
	"dummymessenger/internal/store"
)

// serve runs the replica until ctx ends. Its parts are started from the inside out
// and stopped from the outside in. It calls greet with its URL once it listens.
func serve(ctx context.Context, f flags, logger *slog.Logger, greet func(url string)) (err error) {
	limiter := program.NewLogLimiter(logger.Handler())
	defer limiter.Flush()
	repeating := slog.New(limiter) // for what callers, or a database in trouble, can cause again and again

	access, err := openAccess(f, logger)
	if err != nil {
		return err
	}

	// The port comes first: if it is taken, the database is not touched.
	ln, err := net.Listen("tcp", f.Listen)
	if err != nil {
		return fmt.Errorf("%w; name another address with --listen", err)
	}
	defer ln.Close() // for the returns before Serve, which closes it

	url := urlOf(ln.Addr(), access.certificate != nil)
	greet(url)

	stopDebug, err := startDebug(f.DebugListen, repeating)
	if err != nil {
		return fmt.Errorf("--debug-listen: %w", err)
	}
	defer stopDebug()

	f.MaxConnections, f.farewells, err = fitConnections(f.MaxConnections, logger)
	if err != nil {
		return err
	}
	r := assemble(f, access, repeating)
	defer func() { err = errors.Join(err, r.close()) }()

	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var working sync.WaitGroup
	working.Go(func() { r.recorder.Run(running) })
	defer working.Wait()
	defer stop()

	// The port is served while the log is being opened, so that callers are told
	// what the replica waits for. Their messages wait in the combiner's queue.
	opening, stopOpening := context.WithCancel(ctx)
	defer stopOpening()
	opened := make(chan error, 1)
	working.Go(func() {
		err := r.open(opening, f.Database, logger)
		opened <- err
		if err != nil {
			ln.Close() // ends Serve
			return
		}
		logger.Info("listening", "addr", ln.Addr().String(), "url", url, "tokens", access.tokens != nil)
		r.combiner.Run(running)
	})
	served := r.server.Serve(ctx, ln)
	stopOpening()
	switch openErr := <-opened; {
	case openErr == nil:
		logger.Info("stopped")
		return served
	case ctx.Err() != nil:
		return nil // a signal came before we began
	case errors.Is(openErr, context.Canceled): // by us
		return served
	default:
		return openErr
	}
}

// urlOf returns the URL at which a browser on this machine finds who listens at addr.
func urlOf(addr net.Addr, tls bool) string {
	at := addr.(*net.TCPAddr).AddrPort()
	host := at.Addr().Unmap()
	if host.IsUnspecified() {
		host = netip.MustParseAddr("127.0.0.1")
	}
	at = netip.AddrPortFrom(host, at.Port())
	if tls {
		return "https://" + at.String() + "/"
	}
	return "http://" + at.String() + "/"
}

// access is who may connect, and how.
type access struct {
	tokens      *credentials.Tokens      // nil: none is needed
	certificate *credentials.Certificate // nil: plain HTTP
}

func openAccess(f flags, logger *slog.Logger) (a access, err error) {
	if f.TokenFile != "" {
		if a.tokens, err = credentials.OpenTokens(f.TokenFile, logger); err != nil {
			return access{}, err
		}
	}
	if f.TLSCert != "" {
		if a.certificate, err = credentials.OpenCertificate(f.TLSCert, f.TLSKey, logger); err != nil {
			return access{}, err
		}
	}
	return a, nil
}

// A replica is what runs around the log.
type replica struct {
	log      *lateStore
	counted  *metrics.Metrics
	combiner *groupcommit.Combiner
	feed     *feed.Feed
	recorder *metrics.Recorder
	server   *server.Server
}

// A lateStore has no Store until the log is open. It is not called before: the
// combiner does not run yet, and the server refuses requests that need the log.
type lateStore struct{ messenger.Store }

// open opens the log and lets the server use it.
func (r replica) open(ctx context.Context, database string, logger *slog.Logger) error {
	log, err := store.Open(ctx, database, logger)
	if err != nil {
		return err
	}
	head, err := log.Head(ctx)
	if err != nil {
		return errors.Join(err, log.Close())
	}
	r.counted.Head(head)
	r.log.Store = log
	r.server.LogOpened(log.LogID())
	return nil
}

// close closes what reads the log, then the log.
func (r replica) close() error {
	r.feed.Close()
	if r.log.Store == nil {
		return nil
	}
	return r.log.Close()
}

// assemble puts a replica together; nothing runs yet, and the log is not open.
func assemble(f flags, access access, logger *slog.Logger) replica {
	log := new(lateStore)
	counted := metrics.New(program.ReadBuild())
	r := replica{log: log, counted: counted}
	r.combiner = groupcommit.New(groupcommit.Config{
		Store:    log,
		Encode:   server.AppendMessage,
		Logger:   logger,
		MaxBatch: f.MaxBatch,
		MaxQueue: f.MaxQueue,
		Observe:  counted.Commit,
	})
	r.feed = feed.New(feed.Config{
		Log:         log,
		Encode:      server.AppendEvent,
		Logger:      logger,
		MaxWatchers: f.MaxWatchers,
	})
	r.recorder = metrics.NewRecorder(counted, store.Kind(f.Database))
	config := server.Config{
		Log:            r.combiner,
		Opening:        store.Kind(f.Database),
		Feed:           r.feed,
		Status:         r.recorder,
		Logger:         logger,
		Ready:          r.combiner.Ready,
		Observe:        counted.Request,
		Metrics:        counted.Handler(logger),
		MaxConnections: f.MaxConnections,
		MaxFarewells:   f.farewells,
		RequestTimeout: f.RequestTimeout,
		DrainDelay:     f.DrainDelay,
	}
	if access.tokens != nil {
		config.Authorized = access.tokens.Valid
	}
	if access.certificate != nil {
		config.Certificate = access.certificate.Get
		counted.Certificate(access.certificate.Expiry)
	}
	r.server = server.New(config)

	counted.Queue(r.combiner.Waiting)
	counted.Watchers(r.feed.Watchers)
	counted.Connections(r.server.Connections)
	return r
}
