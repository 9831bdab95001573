package nemesis

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/ncruces/go-sqlite3"

	"dummymessenger/internal/lab"
	"dummymessenger/internal/verify"
)

// An Answer is what one caller beside the load got.
type Answer struct {
	*verify.Operation
	Status int // 0: there was none, and Err says why
	Body   []byte
	Took   time.Duration
	Err    error
}

// Post sends one message beside the load to the replica at url.
func (tr *Trial) Post(ctx context.Context, url, sender, text string) Answer {
	return post(ctx, url, tr.Extra(sender, text))
}

func post(ctx context.Context, url string, op *verify.Operation) Answer {
	began := time.Now()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/messages", strings.NewReader(body(op)))
	if err != nil {
		return Answer{Operation: op, Err: err}
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := lab.Direct.Do(request)
	return read(op, began, response, err)
}

func body(op *verify.Operation) string {
	b, err := json.Marshal(map[string]string{"sender": op.Sender, "text": op.Text})
	if err != nil {
		panic(err) // two strings
	}
	return string(b)
}

// read settles op by its answer: stored as the window shows, certainly not
// stored, or unknown.
func read(op *verify.Operation, began time.Time, response *http.Response, err error) Answer {
	a := Answer{Operation: op, Err: err}
	if err != nil {
		return a
	}
	defer response.Body.Close()
	a.Body, a.Err = io.ReadAll(response.Body)
	a.Took = time.Since(began)
	if a.Err != nil {
		return a
	}
	a.Status = response.StatusCode
	var said struct {
		Outcome  string
		Messages []json.RawMessage
	}
	switch a.Err = json.Unmarshal(a.Body, &said); {
	case a.Err != nil:
	case a.Status == http.StatusOK:
		for _, raw := range said.Messages {
			e, err := decodeEntry(raw)
			if err != nil {
				a.Err = err
				return a
			}
			op.Window = append(op.Window, &e)
		}
		op.Outcome = verify.OK
	case said.Outcome == "not_stored":
		op.Outcome = verify.Failed
	}
	return a
}

// HangUp sends n messages to random replicas, whose callers wait for a random
// time, up to 100 ms: each message is stored once or not at all.
func HangUp(tr *Trial, urls []string, n int) Fault {
	return Fault{"callers who hang up", func(ctx context.Context) (Mend, error) {
		var callers sync.WaitGroup
		for range n {
			url, wait := urls[tr.Rand.IntN(len(urls))], time.Duration(tr.Rand.Int64N(int64(100*time.Millisecond)))
			op := tr.Extra("hasty", "hung up")
			callers.Go(func() {
				ctx, cancel := context.WithTimeout(ctx, wait)
				defer cancel()
				post(ctx, url, op)
			})
		}
		callers.Wait()
		return nothing, nil
	}}
}

// SendSlowly makes n callers begin requests that they never finish.
func SendSlowly(url string, n int) Fault {
	return connect("callers who send slowly", url, n, "POST /messages HTTP/1.1\r\nHost: x\r\nContent-")
}

// NeverRead makes n callers send requests, all of which are refused, and read
// no answer.
func NeverRead(url string, n int) Fault {
	return connect("callers who never read", url, n, strings.Repeat(rawPost(`{"sender":"","text":""}`), 50))
}

// rawPost is a whole request.
func rawPost(body string) string {
	const head = "POST /messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
	return fmt.Sprintf(head, len(body)) + body
}

// connect keeps n connections that have sent text.
func connect(name, url string, n int, text string) Fault {
	return Fault{name, func(ctx context.Context) (Mend, error) {
		var all conns
		for range n {
			c, err := all.dial(ctx, url)
			if err != nil {
				return nil, errors.Join(err, all.close(ctx))
			}
			io.WriteString(c, text) // the server may have enough before the end
		}
		return all.close, nil
	}}
}

type conns []net.Conn

func (all *conns) dial(ctx context.Context, url string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		return nil, err
	}
	*all = append(*all, c)
	return c, c.SetDeadline(time.Now().Add(patience))
}

func (all *conns) close(context.Context) error {
	for _, c := range *all {
		c.Close()
	}
	return nil
}

// A Rush is callers who come at once to one replica.
type Rush struct {
	URL      string       // of the replica
	Database string       // URL of its log, whose lock is held meanwhile
	Callers  int          // how many
	Refused  int          // of whom so many must be refused before the lock is free again
	Answered func(Answer) // called by many goroutines; may be nil
}

// Overload holds the log's lock while more callers come to one replica than its
// queue takes. Once those who are too many are refused, Mend lets the others be
// answered.
func Overload(tr *Trial, r Rush) Fault {
	return Fault{"overload", func(ctx context.Context) (Mend, error) {
		release, err := HoldLock(ctx, r.Database)
		if err != nil {
			return nil, err
		}
		var all conns
		var callers sync.WaitGroup
		var refused atomic.Int64
		mend := func(ctx context.Context) error {
			err := release()
			callers.Wait()
			return errors.Join(err, all.close(ctx))
		}
		for range r.Callers {
			c, err := all.dial(ctx, r.URL)
			if err != nil {
				return nil, errors.Join(err, mend(ctx))
			}
			op := tr.Extra("many", "one of many")
			began := time.Now()
			// Send it in this goroutine: one that is scheduled late would send too
			// slowly, and the server would cut it off.
			io.WriteString(c, rawPost(body(op)))
			callers.Go(func() {
				response, err := http.ReadResponse(bufio.NewReader(c), nil)
				a := read(op, began, response, err)
				if r.Answered != nil {
					r.Answered(a)
				}
				if a.Status == http.StatusServiceUnavailable {
					refused.Add(1)
				}
			})
		}
		if err := await(ctx, func() bool { return refused.Load() >= int64(r.Refused) }); err != nil {
			err = fmt.Errorf("%d of %d callers were refused, want at least %d: %w", refused.Load(), r.Callers, r.Refused, err)
			return nil, errors.Join(err, mend(ctx))
		}
		return mend, nil
	}}
}

// HoldLock takes the log's lock, so that no replica stores anything until release.
func HoldLock(ctx context.Context, databaseURL string) (release func() error, err error) {
	if path, ok := strings.CutPrefix(databaseURL, "sqlite:"); ok {
		conn, err := sqlite3.Open(path)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(conn.BusyTimeout(patience), conn.Exec("BEGIN IMMEDIATE")); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return func() error { return errors.Join(conn.Exec("ROLLBACK"), conn.Close()) }, nil
	}
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return nil, err
	}
	release = func() error { return conn.Close(context.WithoutCancel(ctx)) }
	if _, err := conn.Exec(ctx, "BEGIN; SELECT FROM log_lock FOR UPDATE"); err != nil {
		return nil, errors.Join(err, release())
	}
	return release, nil
}
