package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"dummymessenger/internal/buildinfo"
	"dummymessenger/internal/credentials"
	"dummymessenger/internal/feed"
	"dummymessenger/internal/groupcommit"
	"dummymessenger/internal/logging"
	"dummymessenger/internal/metrics"
	"dummymessenger/internal/server"
	"dummymessenger/internal/status"
	"dummymessenger/internal/store"
)

// serve runs the replica until ctx ends: what it is made of is started from the
// inside out and stopped from the outside in.
func serve(ctx context.Context, f flags, logger *slog.Logger) (err error) {
	limiter := logging.NewLimiter(logger.Handler())
	defer limiter.Flush()
	repeating := slog.New(limiter) // for what callers, or a database in trouble, can make it log again and again

	access, err := openAccess(f, logger)
	if err != nil {
		return err
	}

	// The port comes before the database: if it is taken, no database need be touched.
	ln, err := net.Listen("tcp", f.Listen)
	if err != nil {
		return fmt.Errorf("%w; name another address with --listen", err)
	}
	defer ln.Close() // Serve has closed it unless we never got there

	stopDebug, err := startDebug(f.DebugListen, repeating)
	if err != nil {
		return fmt.Errorf("--debug-listen: %w", err)
	}
	defer stopDebug()

	f.MaxConnections, f.farewells, err = fitConnections(f.MaxConnections, logger)
	if err != nil {
		return err
	}
	log := &store.Late{Kind: store.Kind(f.Database)}
	defer func() { err = errors.Join(err, log.Close()) }()
	r := assemble(f, log, access, repeating)
	defer r.feed.Close()

	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var working sync.WaitGroup
	begin := make(chan struct{}) // closed once the log is open
	working.Go(func() {
		select {
		case <-begin:
		case <-running.Done():
		}
		r.combiner.Run(running) // messages that came before wait in its queue
	})
	working.Go(func() { r.recorder.Run(running) })
	defer working.Wait()
	defer stop()

	// The port is served while the log is being opened, so that those who ask
	// are told what the replica waits for.
	opening, stopOpening := context.WithCancel(ctx)
	defer stopOpening()
	opened := make(chan error, 1)
	go func() {
		err := r.open(opening, f.Database, logger)
		if err == nil {
			close(begin)
			logger.Info("listening", "addr", ln.Addr().String(), "tls", access.certificate != nil, "tokens", access.tokens != nil)
		} else {
			ln.Close() // ends Serve
		}
		opened <- err
	}()
	served := r.server.Serve(ctx, ln)
	stopOpening()
	switch openErr := <-opened; {
	case openErr == nil:
		logger.Info("stopped")
		return served
	case ctx.Err() != nil:
		return nil // told to stop before we began
	case errors.Is(openErr, context.Canceled): // by us
		return served
	default:
		return openErr
	}
}

// access is who may connect, and how. Either may be nil: everybody, and plain HTTP.
type access struct {
	tokens      *credentials.Tokens
	certificate *credentials.Certificate
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
	log      *store.Late
	counted  *metrics.Metrics
	combiner *groupcommit.Combiner
	feed     *feed.Feed
	recorder *status.Recorder
	server   *server.Server
}

// open opens the log and gives it to the replica, which begins to store messages.
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
	r.server.NameLog(log.LogID())
	r.log.Set(log)
	return nil
}

// assemble puts a replica together; nothing runs yet, and log is not open.
func assemble(f flags, log *store.Late, access access, logger *slog.Logger) replica {
	build := buildinfo.Read()
	counted := metrics.New(build)
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
	r.recorder = status.New(status.Config{
		Version:  build.Version,
		Database: log.Kind,
		Snapshot: counted.Snapshot,
	})
	config := server.Config{
		Log:            r.combiner,
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
