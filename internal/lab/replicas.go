package lab

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Replicas are servers on one database.
type Replicas []*Replica

// StartReplicas starts n replicas at the same instant and does not wait until
// they are ready. A star in config.Log and config.Listen stands for a replica's
// number, which begins with 1. Those it returns were started, also when there
// is an error.
func StartReplicas(n int, config ReplicaConfig) (rs Replicas, err error) {
	for i := range n {
		numbered := config
		numbered.Log = strings.Replace(config.Log, "*", strconv.Itoa(i+1), 1)
		numbered.Listen = strings.Replace(config.Listen, "*", strconv.Itoa(i+1), 1)
		r, err := StartReplica(numbered)
		if err != nil {
			return rs, err
		}
		rs = append(rs, r)
	}
	return rs, nil
}

// WaitReady waits until every replica can store messages.
func (rs Replicas) WaitReady(ctx context.Context) error {
	for i, r := range rs {
		if err := r.WaitReady(ctx); err != nil {
			return fmt.Errorf("replica %d: %w", i+1, err)
		}
	}
	return nil
}

// URLs are the replicas' addresses, known since they were ready.
func (rs Replicas) URLs() (urls []string) {
	for _, r := range rs {
		urls = append(urls, r.URL())
	}
	return urls
}

// Restart starts replica i, which has ended, again on its address, and waits
// until it is ready.
func (rs Replicas) Restart(ctx context.Context, i int) error {
	r, err := rs[i].restart()
	if err != nil {
		return err
	}
	rs[i] = r
	return r.WaitReady(ctx)
}

// Stop asks all that still run to end, at once, and kills whichever has not
// ended after grace. A replica that did not end with exit status 0 then is an
// error, which holds the end of its log.
func (rs Replicas) Stop(grace time.Duration) error {
	failed := make([]error, len(rs))
	var wg sync.WaitGroup
	for i, r := range rs {
		wg.Go(func() {
			select {
			case <-r.Done():
				return // before it was asked
			default:
			}
			if err := r.Stop(syscall.SIGTERM, grace); err != nil {
				failed[i] = fmt.Errorf("replica %d did not stop in order: %w; its log ends:\n%s", i+1, err, r.LogTail(15))
			}
		})
	}
	wg.Wait()
	return errors.Join(failed...)
}
