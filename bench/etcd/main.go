// Etcd puts keys into an etcd server, from many callers at once, and checks that
// they are there. It prints how many puts a second were answered.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

func main() {
	endpoint := flag.String("endpoint", "", "URL of the etcd server")
	callers := flag.Int("callers", 50, "how many puts are under way at once")
	// Few serve etcd best: with one for each caller, a put costs both sides twice as
	// much processor time.
	connections := flag.Int("connections", 4, "how many connections the callers share")
	warmup := flag.Duration("warmup", 0, "put for so long before the measured part")
	length := flag.Duration("duration", time.Second, "of the measured part")
	size := flag.Int("size", 134, "bytes of a value")
	flag.Parse()
	perSecond, err := run(*endpoint, *callers, *connections, *warmup, *length, strings.Repeat("x", *size))
	if err != nil {
		fmt.Fprintln(os.Stderr, "etcd:", err)
		os.Exit(1)
	}
	fmt.Println(perSecond)
}

// run puts value under one new key after the other, and returns how often it could
// in a second of the measured part.
func run(endpoint string, callers, connections int, warmup, length time.Duration, value string) (float64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute+warmup+length)
	defer cancel()
	prefix := fmt.Sprintf("%x/", time.Now().UnixNano()) // of this run's keys
	clients := make([]*clientv3.Client, connections)
	for i := range clients {
		var err error
		if clients[i], err = clientv3.New(clientv3.Config{Endpoints: []string{endpoint}}); err != nil {
			return 0, err
		}
		defer clients[i].Close()
		if _, err := clients[i].Get(ctx, prefix); err != nil { // once the server is ready and we are connected
			return 0, err
		}
	}
	start := time.Now()
	begin, end := start.Add(warmup), start.Add(warmup+length)
	var all, measured atomic.Int64
	errs := make(chan error, callers)
	var wg sync.WaitGroup
	for i := range callers {
		client := clients[i%len(clients)]
		wg.Go(func() {
			for n := 0; ; n++ {
				sent := time.Now()
				if sent.After(end) {
					return
				}
				if _, err := client.Put(ctx, fmt.Sprintf("%s%d/%d", prefix, i, n), value); err != nil {
					errs <- err
					return
				}
				all.Add(1)
				if now := time.Now(); now.After(begin) && now.Before(end) {
					measured.Add(1)
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		return 0, err
	}
	found, err := clients[0].Get(ctx, prefix, clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil {
		return 0, err
	}
	if found.Count != all.Load() || measured.Load() == 0 {
		return 0, fmt.Errorf("%d puts were answered and %d keys are there", all.Load(), found.Count)
	}
	return float64(measured.Load()) / length.Seconds(), nil
}
