package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// profile writes CPU profiles of the client and of one of two replicas on
// PostgreSQL into dir, of runs that are not measured.
func (b *bench) profile(ctx context.Context, dir string) error {
	debug, err := freeAddress()
	if err != nil {
		return err
	}
	url, err := b.createDatabase(ctx)
	if err != nil {
		return err
	}
	watched, err := b.startReplicas(ctx, b.server, url, 1, "--debug-listen", debug)
	if err != nil {
		return err
	}
	defer watched.stop()
	other, err := b.startReplicas(ctx, b.server, url, 1)
	if err != nil {
		return err
	}
	defer other.stop()

	seconds := max(1, int((4 * b.length).Seconds()))
	source := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", debug, seconds)
	for _, workers := range []int{50, 500} {
		name := filepath.Join(dir, fmt.Sprint(workers, "-workers"))
		var downloading sync.WaitGroup
		var failed error
		downloading.Go(func() { failed = download(ctx, source, name+"-server.pprof") })
		_, err := b.send(ctx, load{urls: append(watched.urls, other.urls...), args: []string{
			"--workers", fmt.Sprint(workers), "--duration", fmt.Sprint(seconds+1, "s"),
			"--cpuprofile", name + "-client.pprof",
		}})
		downloading.Wait()
		if err := errors.Join(err, failed); err != nil {
			return err
		}
		b.say("profiles: %s-*.pprof", name)
	}
	return nil
}

func download(ctx context.Context, url, path string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	response, err := get(ctx, url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
