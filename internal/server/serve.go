package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"
)

// maxHeaderBytes bounds the headers of one request; net/http adds 4 KiB.
const maxHeaderBytes = 16 << 10

// finalGrace is how long requests that are cut short at shutdown have to send
// their answers.
const finalGrace = time.Second

// Serve answers requests on ln until ctx ends. Then it makes /readyz fail,
// refuses connections, waits for the requests in flight and returns nil, or an
// error if it had to cut some of them off without an answer. It closes ln.
// A Server serves once.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	defer s.connections.farewells.Wait()
	s.local = isLocal(ln.Addr()) && s.cfg.Authorized == nil

	// Requests in flight when ctx ends are still to be answered.
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
		// net/http starts this one at the end of the headers.
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
		err = shutdown(srv, finalGrace)
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
