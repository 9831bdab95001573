//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/ncruces/go-sqlite3"

	"dummymessenger/internal/replica"
	"dummymessenger/internal/verify"
)

const (
	maxQueue = 128             // of each replica, besides the load's own few
	rush     = 4*maxQueue + 88 // callers at once: most of them too many
)

// overload holds the log's lock while more callers come to one replica than its
// queue takes. Those who are too many are refused at once; the others are answered.
func (r *run) overload() error {
	release, err := r.holdLock()
	if err != nil {
		return err
	}
	var callers sync.WaitGroup
	var refused atomic.Int64
	client := http.Client{Transport: replica.Direct.Transport, Timeout: patience / 2}
	url := r.members[r.pick()].URL() + "/messages"
	for range rush {
		op := &verify.Operation{Sender: "many", Text: fmt.Sprint("one of many ", len(r.hasty)), Outcome: verify.Unknown}
		r.hasty = append(r.hasty, op)
		callers.Go(func() {
			response, err := client.Post(url, "application/json", strings.NewReader(fmt.Sprintf(`{"sender":%q,"text":%q}`, op.Sender, op.Text)))
			if err != nil {
				return
			}
			response.Body.Close()
			if response.StatusCode == http.StatusServiceUnavailable {
				op.Outcome = verify.Failed // the table must not have it
				refused.Add(1)
			}
		})
	}
	const least = rush - 2*maxQueue
	for deadline := time.Now().Add(patience); refused.Load() < least && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	err = release()
	callers.Wait()
	if n := refused.Load(); n < least {
		return errors.Join(err, fmt.Errorf("%d of %d callers were refused, want at least %d", n, rush, least))
	}
	return err
}

// holdLock takes the log's lock, so that nobody stores anything until release.
func (r *run) holdLock() (release func() error, err error) {
	if r.primary == nil {
		conn, err := sqlite3.Open(r.file())
		if err != nil {
			return nil, err
		}
		if err := errors.Join(conn.BusyTimeout(patience), conn.Exec("BEGIN IMMEDIATE")); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return func() error { return errors.Join(conn.Exec("ROLLBACK"), conn.Close()) }, nil
	}
	conn, err := pgx.Connect(r.ctx, r.database)
	if err != nil {
		return nil, err
	}
	release = func() error { return conn.Close(context.WithoutCancel(r.ctx)) }
	if _, err := conn.Exec(r.ctx, "BEGIN; SELECT FROM log_lock FOR UPDATE"); err != nil {
		return nil, errors.Join(err, release())
	}
	return release, nil
}

// file is where the messages are, on SQLite.
func (r *run) file() string { return strings.TrimPrefix(r.database, "sqlite:") }
