package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"dummymessenger/internal/groupcommit"
	"dummymessenger/internal/lab"
	"dummymessenger/internal/messenger"
	"dummymessenger/internal/server"
	"dummymessenger/internal/store/memory"
)

// ceilingCmd serves replicas without a database, the baseline for any
// database's cost. They differ from our usual replicas only in what their
// answers hold.
type ceilingCmd struct {
	Kind  string `arg:"" enum:"constant,memory"`
	Ports int    `default:"1"`
}

// run serves on free ports, which it announces on one line of stdout, until it
// is told to stop.
func (c *ceilingCmd) run(ctx context.Context, stdout, stderr io.Writer) int {
	var listeners []net.Listener
	var urls []string
	for range c.Ports {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			fmt.Fprintf(stderr, "bench: %v\n", err)
			return exitVoid
		}
		listeners = append(listeners, ln)
		urls = append(urls, "http://"+ln.Addr().String())
	}
	log := memory.New()
	var wg sync.WaitGroup
	for _, ln := range listeners {
		appender := server.Appender(constant(tenMessages()))
		if c.Kind == "memory" {
			combiner := groupcommit.New(groupcommit.Config{Store: log.Open(), Encode: server.AppendMessage})
			wg.Go(func() { combiner.Run(ctx) })
			appender = combiner
		}
		wg.Go(func() {
			server.New(server.Config{Log: appender, Logger: slog.New(slog.DiscardHandler)}).Serve(ctx, ln)
		})
	}
	fmt.Fprintln(stdout, strings.Join(urls, " "))
	wg.Wait()
	return 0
}

// constant answers every message with the same window.
type constant messenger.Answer

func (c constant) Append(context.Context, messenger.Draft) (messenger.Answer, error) {
	return messenger.Answer(c), nil
}

func tenMessages() messenger.Answer {
	answer := messenger.Answer{Seq: 1_000_010}
	for seq := int64(1_000_001); seq <= answer.Seq; seq++ {
		if len(answer.Messages) > 0 {
			answer.Messages = append(answer.Messages, ',')
		}
		answer.Messages = server.AppendMessage(answer.Messages, messenger.Message{
			Seq: seq, Sender: typicalSender, SenderCount: seq / 10, Text: typicalText, SentAt: time.Unix(seq, 0),
		})
	}
	return answer
}

// A message of about the client's average size: 11 bytes of sender and 123 of text.
const (
	typicalSender = "Мария"
	typicalText   = "0123456789AB-012-00345 скоро буду, see you at seven. Спасибо! Не забудь зонт 😀 done, sure"
)

// startCeiling starts n processes of ceilingCmd, pinned to a processor if
// there is one named.
func (b *bench) startCeiling(ctx context.Context, kind string, processes, ports int, cpu string) (*group, error) {
	g := new(group)
	for range processes {
		argv := append(pinned(cpu), b.self, "ceiling", kind, "--ports", strconv.Itoa(ports))
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Stderr = b.stderr
		// A pipe of our own: os/exec's would be closed as soon as the process ends.
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		cmd.Stdout = w
		p, err := lab.Start(cmd)
		w.Close()
		if err != nil {
			r.Close()
			g.stop()
			return nil, err
		}
		g.processes = append(g.processes, p)
		announcement, err := bufio.NewReader(r).ReadString('\n')
		r.Close()
		if err != nil {
			g.stop()
			return nil, fmt.Errorf("the replicas without a database did not start: %w", err)
		}
		g.urls = append(g.urls, strings.Fields(announcement)...)
	}
	return g, ctx.Err()
}

// pinned is the beginning of a command line that runs the rest on one processor.
func pinned(cpu string) []string {
	if cpu == "" {
		return nil
	}
	return []string{"taskset", "-c", cpu}
}
