package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"dummymessenger/internal/lab"
)

// profile runs a load once more, not measured, and writes CPU profiles of the
// client and of one of two replicas on PostgreSQL. It does nothing unless
// profiles are asked for.
func (b *bench) profile(ctx context.Context, name string, workers int) error {
	if b.profiles == "" {
		return nil
	}
	debug, err := freeAddress()
	if err != nil {
		return err
	}
	url, err := b.newDatabase(ctx)
	if err != nil {
		return err
	}
	watched, err := b.replicas(ctx, url, 1, "--debug-listen", debug)
	if err != nil {
		return err
	}
	defer watched.stop()
	other, err := b.replicas(ctx, url, 1)
	if err != nil {
		return err
	}
	defer other.stop()

	seconds := max(1, int((4 * b.length).Seconds()))
	var wg sync.WaitGroup
	var profileErr error
	wg.Go(func() {
		url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", debug, seconds)
		profileErr = download(ctx, url, filepath.Join(b.profiles, name+"-server.pprof"))
	})
	_, err = b.send(ctx, load{urls: append(watched.urls, other.urls...), args: []string{
		"--workers", fmt.Sprint(workers), "--duration", fmt.Sprint(seconds+1, "s"),
		"--cpuprofile", filepath.Join(b.profiles, name+"-client.pprof"),
	}})
	wg.Wait()
	b.say("  profiles: %s", filepath.Join(b.profiles, name+"-*.pprof"))
	return errors.Join(err, profileErr)
}

// freeAddress was free a moment ago.
func freeAddress() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

func download(ctx context.Context, url, path string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := lab.Direct.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, response.Body)
	return errors.Join(err, f.Close())
}
