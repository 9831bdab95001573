//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"dummymessenger/internal/netfault"
	"dummymessenger/internal/replica"
	"dummymessenger/internal/verify"
)

func (r *run) pick() int { return r.rng.IntN(len(r.members)) }

// linger leaves things broken for a random time.
func (r *run) linger(longest time.Duration) {
	time.Sleep(time.Duration(r.rng.Int64N(int64(longest))))
}

func (r *run) waitReady(i int) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), patience)
	defer cancel()
	return r.members[i].WaitReady(ctx)
}

// restart starts replica i, which has ended, on its address.
func (r *run) restart(i int) error {
	member, err := r.members[i].Restart()
	if err != nil {
		return err
	}
	r.members[i] = member
	return r.waitReady(i)
}

func (r *run) killReplica() error {
	i := r.pick()
	r.members[i].Stop(os.Kill, 0)
	r.linger(time.Second)
	return r.restart(i)
}

func (r *run) freezeReplica() error {
	i := r.pick()
	if err := r.members[i].Freeze(); err != nil {
		return err
	}
	r.linger(4 * time.Second)
	return r.members[i].Thaw()
}

func (r *run) rollingRestart() error {
	for i := range r.members {
		if err := r.members[i].Stop(syscall.SIGTERM, 30*time.Second); err != nil {
			return err
		}
		if err := r.restart(i); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) terminateSessions() error {
	conn, err := pgx.Connect(r.ctx, r.database)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(r.ctx))
	_, err = conn.Exec(r.ctx, `WITH theirs AS MATERIALIZED (
			SELECT pid FROM pg_stat_activity WHERE application_name = 'dummymessenger'
		) SELECT pid FROM theirs WHERE pg_terminate_backend(pid)`)
	return err
}

func (r *run) stopPostgres() error {
	if err := r.primary.Kill(); err != nil {
		return err
	}
	r.linger(2 * time.Second)
	if err := r.primary.Restart(r.ctx); err != nil {
		return err
	}
	return r.pairUp()
}

func (r *run) failOver() error {
	if err := r.primary.KillHard(); err != nil {
		return err
	}
	if err := r.standby.Promote(r.ctx); err != nil {
		return err
	}
	r.primary, r.standby = r.standby, r.primary
	// It has no standby of its own yet.
	if err := r.primary.Set(r.ctx, "synchronous_standby_names", ""); err != nil {
		return err
	}
	if err := r.standby.Follow(r.ctx, r.primary); err != nil {
		return err
	}
	return r.pairUp()
}

func (r *run) standbyAway() error {
	if err := r.standby.KillHard(); err != nil {
		return err
	}
	r.linger(8 * time.Second)
	if err := r.standby.Restart(r.ctx); err != nil {
		return err
	}
	return r.pairUp()
}

func (r *run) slowNetwork() error {
	return r.network(func(p *netfault.Proxy) { p.Delay(20 * time.Millisecond) })
}

func (r *run) resetNetwork() error    { return r.network(func(p *netfault.Proxy) { p.Reset() }) }
func (r *run) cutNetwork() error      { return r.network((*netfault.Proxy).Cut) }
func (r *run) halfOpenNetwork() error { return r.network((*netfault.Proxy).BlackHole) }

// network spoils what is between the replicas and their database for a while.
func (r *run) network(spoil func(*netfault.Proxy)) error {
	for _, p := range r.proxies {
		spoil(p)
	}
	r.linger(4 * time.Second)
	for _, p := range r.proxies {
		p.Heal()
	}
	return nil
}

// crowd is how many callers come at once.
const crowd = 100

// hangUp has callers send messages and not wait for the answers: each may be
// stored or not.
func (r *run) hangUp() error {
	var callers sync.WaitGroup
	for range crowd {
		op := &verify.Operation{Sender: "hasty", Text: fmt.Sprint("hung up ", len(r.hasty)), Outcome: verify.Unknown}
		r.hasty = append(r.hasty, op)
		url := r.members[r.pick()].URL() + "/messages"
		wait := time.Duration(r.rng.Int64N(int64(100 * time.Millisecond)))
		callers.Go(func() {
			ctx, cancel := context.WithTimeout(r.ctx, wait)
			defer cancel()
			body := fmt.Sprintf(`{"sender":%q,"text":%q}`, op.Sender, op.Text)
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
			if err != nil {
				panic(err) // our own URL
			}
			request.Header.Set("Content-Type", "application/json")
			if response, err := replica.Direct.Do(request); err == nil {
				response.Body.Close()
			}
		})
	}
	callers.Wait()
	return nil
}

// sendSlowly has callers begin requests that they never finish.
func (r *run) sendSlowly() error {
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for range crowd {
		c, err := net.Dial("tcp", strings.TrimPrefix(r.members[r.pick()].URL(), "http://"))
		if err != nil {
			return err
		}
		conns = append(conns, c)
		if _, err := io.WriteString(c, "POST /messages HTTP/1.1\r\nHost: localhost\r\nContent-"); err != nil {
			return err
		}
	}
	r.linger(4 * time.Second)
	return nil
}
