// Bare is a server with as little around the log as its arguments say, for the
// benchmark to measure the programs against. It is started as the server is.
package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/alecthomas/kong"
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"dummymessenger/internal/groupcommit"
	"dummymessenger/internal/messenger"
	"dummymessenger/internal/program"
	"dummymessenger/internal/server"
	"dummymessenger/internal/store"
	"dummymessenger/internal/store/memory"
)

// The layers around the log, each one with those before it.
const (
	handler  = "handler"  // net/http and what reads a message and writes the answer
	timeouts = "timeouts" // a connection's, as the server sets them
	contexts = "contexts" // a request's own deadline
	whole    = "server"   // internal/server instead, without log, metrics and pages
)

type cli struct {
	Listen string `required:""`
	Layer  string `enum:"handler,timeouts,contexts,server" default:"handler"`

	// As the server's; or constant: for answers that never change, or memory: for a log
	// that is not stored.
	Database string `env:"DATABASE_URL" required:""`
}

func main() {
	var c cli
	kong.Parse(&c)
	ctx, stop := program.Context()
	defer stop()
	if err := c.serve(ctx); err != nil {
		slog.Error("bare", "err", err)
		os.Exit(1)
	}
}

func (c *cli) serve(ctx context.Context) error {
	var working sync.WaitGroup
	defer working.Wait()
	var log server.Appender = constant(tenMessages())
	if c.Database != "constant:" {
		opened, err := c.open(ctx)
		if err != nil {
			return err
		}
		defer opened.Close()
		combiner := groupcommit.New(groupcommit.Config{Store: opened, Encode: server.AppendMessage})
		running, stop := context.WithCancel(context.WithoutCancel(ctx))
		defer stop()
		working.Go(func() { combiner.Run(running) })
		log = combiner
	}
	ln, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	slog.New(slog.NewTextHandler(os.Stdout, nil)).Info("listening", "addr", ln.Addr().String())
	if c.Layer == whole {
		return server.New(server.Config{Log: log, Logger: slog.New(slog.DiscardHandler)}).Serve(ctx, ln)
	}
	srv := &http.Server{Handler: &bare{log, c.Layer == contexts}}
	if c.Layer != handler {
		srv.ReadHeaderTimeout, srv.ReadTimeout = 5*time.Second, 10*time.Second
		srv.WriteTimeout, srv.IdleTimeout = 25*time.Second, 2*time.Minute
	}
	context.AfterFunc(ctx, func() { srv.Close() })
	if err := srv.Serve(ln); err != http.ErrServerClosed {
		return err
	}
	return nil
}

func (c *cli) open(ctx context.Context) (messenger.Store, error) {
	if c.Database == "memory:" {
		return memory.New().Open(), nil
	}
	return store.Open(ctx, c.Database, slog.New(slog.DiscardHandler))
}

// bare answers every GET with 200, and every POST with its window.
type bare struct {
	log         server.Appender
	hasDeadline bool
}

func (b *bare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		return
	}
	ctx := r.Context()
	if b.hasDeadline {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
	}
	answer, err := b.post(ctx, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	const head, tail = `{"messages":[`, `]}`
	w.Header()["Content-Type"] = []string{"application/json"}
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(head) + len(answer.Messages) + len(tail))}
	w.Write([]byte(head))
	w.Write(answer.Messages)
	w.Write([]byte(tail))
}

func (b *bare) post(ctx context.Context, r *http.Request) (messenger.Answer, error) {
	var body struct {
		Sender string `json:"sender"`
		Text   string `json:"text"`
	}
	if err := json.UnmarshalRead(r.Body, &body); err != nil {
		return messenger.Answer{}, err
	}
	draft, err := messenger.NewDraft(body.Sender, body.Text)
	if err != nil {
		return messenger.Answer{}, err
	}
	draft.ID = messenger.ID(uuid.Must(uuid.NewV7()))
	return b.log.Append(ctx, draft)
}

// constant answers every message with the same window.
type constant messenger.Answer

func (c constant) Append(context.Context, messenger.Draft) (messenger.Answer, error) {
	return messenger.Answer(c), nil
}

func tenMessages() messenger.Answer {
	var window []messenger.Message
	for seq := int64(1_000_001); seq <= 1_000_010; seq++ {
		window = append(window, messenger.Message{
			Seq: seq, Sender: "Мария", SenderCount: seq / 10, SentAt: time.Unix(seq, 0),
			Text: "0123456789AB-012-00345 скоро буду, see you at seven. Спасибо! Не забудь зонт 😀 done, sure",
		})
	}
	return messenger.Answer{Seq: 1_000_010, Messages: server.AppendMessages(nil, window)}
}
