// Command go stores a message and prints the last ten: go run . SENDER TEXT [URL ...]
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"mime"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/text/unicode/norm"
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

const (
	tries   = 8
	longest = 10 * time.Second // of a try and of a wait
)

// again lists the statuses after which another try may succeed.
var again = []int{http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}

// client follows no redirects: they lead to a log-in page, not to an answer.
var client = &http.Client{
	Timeout:       longest,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

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
		replica := strings.TrimRight(replicas[attempt%len(replicas)], "/") // any will do
		var response *http.Response
		var answer []byte
		if response, answer, err = post(ctx, replica+"/messages", key, body); err == nil {
			if response.StatusCode == http.StatusOK {
				return window(response, answer, sender, text)
			}
			err = explain(response, answer)
			if !slices.Contains(again, response.StatusCode) {
				return nil, fmt.Errorf("refused: %w", err)
			}
		}
		if attempt == tries-1 {
			break
		}
		wait := min(longest, waiting(response, attempt))
		fmt.Fprintf(os.Stderr, "%s: %v; trying again in %.1f s\n", replica, err, wait.Seconds())
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return nil, fmt.Errorf("given up after %d tries: %w; the message may be stored", tries, err)
}

// post tries once. An error means that there is no answer, or not all of it.
func post(ctx context.Context, url, key string, body []byte) (*http.Response, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", key)
	response, err := client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, nil, err
	}
	return response, answer, nil
}

// window returns the messages of an answer, if it is the messenger's to this message.
func window(response *http.Response, answer []byte, sender, text string) ([]message, error) {
	var a struct {
		Messages []message `json:"messages"`
	}
	if hasType(response, "application/json") && json.Unmarshal(answer, &a) == nil && len(a.Messages) > 0 {
		own := a.Messages[len(a.Messages)-1]
		if own.Seq > 0 && own.SenderCount > 0 && own.Sender == norm.NFC.String(sender) && own.Text == text {
			return a.Messages, nil
		}
	}
	return nil, errors.New("something else answered instead of the messenger; the message may be stored")
}

// explain returns the messenger's reason for a refusal, or only the status if a
// proxy refuses.
func explain(response *http.Response, answer []byte) error {
	var problem struct { // RFC 9457
		Detail string `json:"detail"`
	}
	if hasType(response, "application/problem+json") && json.Unmarshal(answer, &problem) == nil && problem.Detail != "" {
		return errors.New(problem.Detail)
	}
	return fmt.Errorf("status %d, not of the messenger", response.StatusCode)
}

func hasType(response *http.Response, want string) bool {
	got, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	return err == nil && got == want
}

// waiting is what Retry-After asks for, seconds or a date, or else about 0.2 s,
// doubled with each attempt.
func waiting(response *http.Response, attempt int) time.Duration {
	if response != nil {
		value := response.Header.Get("Retry-After")
		if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 {
			return time.Duration(min(seconds, longest.Seconds()) * float64(time.Second))
		}
		if at, err := http.ParseTime(value); err == nil && time.Until(at) > 0 {
			return time.Until(at)
		}
	}
	return time.Duration(float64(200*time.Millisecond<<attempt) * (0.5 + mathrand.Float64()))
}
