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
	"dummymessenger/internal/messenger"
	"dummymessenger/internal/metrics"
	"dummymessenger/internal/server"
	"dummymessenger/internal/status"
	"dummymessenger/internal/store"
)

// serve runs the replica until ctx ends: what it is made of is started from the
// inside out and stopped from the outside in.
func serve(ctx context.Context, f flags, logger *slog.Logger) (err error) {
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

	stopDebug, err := startDebug(f.DebugListen, logger)
	if err != nil {
		return fmt.Errorf("--debug-listen: %w", err)
	}
	defer stopDebug()

	log, err := store.Open(ctx, f.Database, logger)
	switch {
	case ctx.Err() != nil && err != nil:
		return nil // told to stop before we began
	case err != nil:
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	head, err := log.Head(ctx)
	if err != nil {
		return err
	}

	r := assemble(f, log, head, access, logger)
	defer r.feed.Close()

	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var working sync.WaitGroup
	working.Go(func() { r.combiner.Run(running) })
	working.Go(func() { r.recorder.Run(running) })
	defer working.Wait()
	defer stop()

	logger.Info("listening", "addr", ln.Addr().String(), "tls", access.certificate != nil, "tokens", access.tokens != nil)
	err = r.server.Serve(ctx, ln)
	logger.Info("stopped")
	return err
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
	combiner *groupcommit.Combiner
	feed     *feed.Feed
	recorder *status.Recorder
	server   *server.Server
}

// assemble puts a replica together; nothing runs yet. head is the newest
// message of log.
func assemble(f flags, log messenger.Store, head int64, access access, logger *slog.Logger) replica {
	build := buildinfo.Read()
	counted := metrics.New(build)
	var r replica
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
		Database: store.Kind(f.Database),
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
	r.server.NameLog(log.LogID())

	counted.Head(head)
	counted.Queue(r.combiner.Waiting)
	counted.Watchers(r.feed.Watchers)
	counted.Connections(r.server.Connections)
	return r
}
