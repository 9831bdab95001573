// Command go stores a message and prints the last ten: go run . SENDER TEXT [URL ...]
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

type message struct {
	Seq         int64     `json:"seq"`
	Sender      string    `json:"sender"`
	SenderCount int64     `json:"sender_count"`
	Text        string    `json:"text"`
	SentAt      time.Time `json:"sent_at"`
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: go run . SENDER TEXT [URL ...]")
		os.Exit(2)
	}
	replicas := os.Args[3:]
	if len(replicas) == 0 {
		replicas = []string{"http://127.0.0.1:8001"}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	window, err := send(ctx, replicas, os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, m := range window {
		fmt.Printf("%d  %s (%d): %s\n", m.Seq, m.Sender, m.SenderCount, m.Text)
	}
}

const tries = 6

// send stores one message, once, and returns the last ten messages.
func send(ctx context.Context, replicas []string, sender, text string) ([]message, error) {
	body, err := json.Marshal(map[string]string{"sender": sender, "text": text})
	if err != nil {
		return nil, err
	}
	// One key for all tries: a try whose answer was lost may have stored the
	// message, and the next one then gets that answer instead of storing it again.
	key := rand.Text()

	for attempt := range tries {
		replica := replicas[attempt%len(replicas)] // any will do
		window, wait, err := post(ctx, replica+"/messages", key, body)
		if err == nil || wait == 0 {
			return window, err
		}
		fmt.Fprintf(os.Stderr, "%s: %v; trying again\n", replica, err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return nil, fmt.Errorf("given up after %d tries; the message may be stored", tries)
}

// post tries once. After an error it tells how long to wait before the next
// try, 0 if there is no use in one.
func post(ctx context.Context, url, key string, body []byte) (window []message, wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)

	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, time.Second, err // the connection
	}
	defer response.Body.Close()

	var answer struct {
		Messages []message `json:"messages"`
		Detail   string    `json:"detail"` // of a problem (RFC 9457)
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, time.Second, err // its end
	}
	switch response.StatusCode {
	case http.StatusOK:
		return answer.Messages, 0, nil
	case http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
		if err != nil {
			seconds = 1
		}
		return nil, time.Duration(seconds) * time.Second, errors.New(answer.Detail)
	}
	return nil, 0, errors.New("refused: " + answer.Detail)
}
