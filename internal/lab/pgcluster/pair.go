package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// A Pair is a primary and its standby, which change places when one fails over
// to the other. The primary's commits wait for the standby.
type Pair struct{ Primary, Standby *Cluster }

// StartPair makes two new clusters. The caller must Stop the pair. config.Pair
// need not be set.
func StartPair(ctx context.Context, config Config) (p *Pair, err error) {
	config.Pair = true
	p = new(Pair)
	if p.Primary, err = Start(ctx, config); err != nil {
		return nil, err
	}
	if p.Standby, err = p.Primary.StartStandby(ctx); err == nil {
		err = p.Sync(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// Stop shuts both servers down and removes all data.
func (p *Pair) Stop() (err error) {
	for _, c := range []*Cluster{p.Primary, p.Standby} {
		if c != nil {
			err = errors.Join(err, c.Stop())
		}
	}
	return err
}

// URL names a database that lives on whichever of the two accepts writes.
func (p *Pair) URL(database string) string {
	hosts := []string{p.Primary.Addr(), p.Standby.Addr()}
	slices.Sort(hosts) // which is the primary now says nothing about later
	return fmt.Sprintf("postgres://postgres:%s@%s/%s?sslmode=disable&target_session_attrs=read-write",
		p.Primary.password, strings.Join(hosts, ","), database)
}

// Sync makes the primary's commits wait for the standby from now on, and
// returns when the standby has caught up.
func (p *Pair) Sync(ctx context.Context) error {
	if err := p.Primary.Set(ctx, "synchronous_standby_names", "*"); err != nil {
		return err
	}
	return p.Primary.WaitSync(ctx)
}

// FailOver kills the primary with all of its processes and promotes the
// standby, which from then on is the primary, without a standby until Rejoin.
func (p *Pair) FailOver(ctx context.Context) error {
	if err := p.Primary.KillHard(); err != nil {
		return err
	}
	if err := p.Standby.Promote(ctx); err != nil {
		return err
	}
	p.Primary, p.Standby = p.Standby, p.Primary
	return p.Primary.Set(ctx, "synchronous_standby_names", "")
}

// Rejoin makes the primary that FailOver killed the standby of its successor.
func (p *Pair) Rejoin(ctx context.Context) error {
	if err := p.Standby.follow(ctx, p.Primary); err != nil {
		return err
	}
	return p.Sync(ctx)
}

// preparePair writes what pg_rewind, and a standby that was away for a while,
// need. It has to be in the file: the recovery that pg_rewind runs reads that.
func (c *Cluster) preparePair() error {
	f, err := os.OpenFile(filepath.Join(c.dataDir(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("wal_log_hints = on\nwal_keep_size = '256MB'\n")
	return errors.Join(err, f.Close())
}

// StartStandby makes a copy of c and starts it as a hot standby that follows
// c by streaming replication, with c's settings and password. The caller must
// Stop it. Whether c's commits wait for it is c's setting
// synchronous_standby_names; see Set.
func (c *Cluster) StartStandby(ctx context.Context) (_ *Cluster, err error) {
	s := &Cluster{bin: c.bin, account: c.account, settings: c.settings, password: c.password}
	if err := s.makeDir(filepath.Dir(c.dir)); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(s.dir)
		}
	}()
	cmd := s.command(ctx, "pg_basebackup", "--pgdata", s.dataDir(), "--write-recovery-conf", "--checkpoint", "fast",
		"--no-sync", "--host", "127.0.0.1", "--port", strconv.Itoa(c.port), "--username", "postgres")
	cmd.Env = append(cmd.Env, "PGPASSWORD="+c.password)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("pg_basebackup failed: %w\n%s", err, out)
	}
	if err := s.launchOnFreePort(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Promote makes a standby a primary and returns when it accepts writes.
func (c *Cluster) Promote(ctx context.Context) error {
	return c.exec(ctx, "SELECT pg_promote(true, 60)")
}

// follow makes c, which was the primary until it was killed, a standby of its
// successor: pg_rewind undoes what only c had. It needs Config.Pair.
func (c *Cluster) follow(ctx context.Context, successor *Cluster) error {
	// pg_rewind looks for the point where the two parted in the successor's
	// control file, which names its new timeline only after a checkpoint.
	if err := successor.exec(ctx, "CHECKPOINT"); err != nil {
		return err
	}
	source := fmt.Sprintf("host=127.0.0.1 port=%d user=postgres password=%s dbname=postgres sslmode=disable",
		successor.port, successor.password)
	cmd := c.command(ctx, "pg_rewind", "--target-pgdata", c.dataDir(), "--source-server", source,
		"--write-recovery-conf", "--no-sync")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_rewind failed: %w\n%s", err, out)
	}
	return c.launch(ctx)
}

// Set changes a setting that needs no restart, for good.
func (c *Cluster) Set(ctx context.Context, name, value string) error {
	quoted := strings.ReplaceAll(value, "'", "''")
	if err := c.exec(ctx, fmt.Sprintf("ALTER SYSTEM SET %s = '%s'", pgx.Identifier{name}.Sanitize(), quoted)); err != nil {
		return err
	}
	return c.exec(ctx, "SELECT pg_reload_conf()")
}

// WaitSync returns when c's commits wait for a standby that has caught up.
func (c *Cluster) WaitSync(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, c.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for {
		var there bool
		err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_stat_replication
			WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum'))`).Scan(&there)
		if err != nil || there {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no synchronous standby follows: %w", context.Cause(ctx))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// exec runs one statement outside of a transaction.
func (c *Cluster) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, c.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, sql)
	return err
}
