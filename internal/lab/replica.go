package lab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// A ReplicaConfig says how to start a replica. Program, Database and Log are
// required.
type ReplicaConfig struct {
	Program  string   // path of the server program
	Database string   // URL; passed as DATABASE_URL, since arguments are public
	Log      string   // path of the file that gets what it prints; appended to
	Listen   string   // HOST:PORT; by default a free port of 127.0.0.1
	Dir      string   // working folder; by default ours
	Args     []string // further arguments
	Env      []string // further NAME=VALUE; they win over ours

	// RootCAs has who signed the server's certificate, if Args make it speak
	// TLS. Nil: it speaks plain HTTP.
	RootCAs *x509.CertPool
}

// Direct asks replicas themselves, whatever proxy the environment names.
var Direct = &http.Client{Transport: direct()}

func direct() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil
	return t
}

// A Replica is a server program that was started. It may end at any time.
type Replica struct {
	*Process
	config ReplicaConfig
	log    *log
	client *http.Client
}

// StartReplica starts the program and does not wait until it is ready.
func StartReplica(config ReplicaConfig) (*Replica, error) {
	if config.Listen == "" {
		config.Listen = "127.0.0.1:0"
	}
	log, err := openLog(config.Log)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(config.Program, append([]string{"--listen", config.Listen}, config.Args...)...)
	cmd.Dir = config.Dir
	cmd.Env = append(append(os.Environ(), "DATABASE_URL="+config.Database), config.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	var stdin io.Closer
	if runtime.GOOS == "windows" { // where an event needs a console, which not everybody has
		cmd.Env = append(cmd.Env, "DUMMYMESSENGER_STOP_WITH_STDIN=1")
		if stdin, err = cmd.StdinPipe(); err != nil {
			log.file.Close()
			return nil, err
		}
	}
	p, err := Start(cmd, log.file)
	if err != nil {
		return nil, err
	}
	p.stdin = stdin
	client := Direct
	if config.RootCAs != nil {
		client = &http.Client{Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{RootCAs: config.RootCAs},
			DisableKeepAlives: true, // nobody would close them
		}}
	}
	return &Replica{p, config, log, client}, nil
}

// WaitReady waits until the replica says that it can store messages. The error
// holds the end of its log if it ended instead.
func (r *Replica) WaitReady(ctx context.Context) error {
	select {
	case <-r.log.listening:
	case <-r.Done():
		return r.ended()
	case <-ctx.Done():
		return fmt.Errorf("the replica did not say that it listens: %w", context.Cause(ctx))
	}
	for {
		notReady := r.get(ctx, "/readyz")
		if notReady == nil {
			return nil
		}
		select {
		case <-r.Done():
			return r.ended()
		case <-ctx.Done():
			return fmt.Errorf("the replica at %s is not ready: %w", r.URL(), notReady)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// get returns nil if the replica answers a GET of path with 200.
func (r *Replica) get(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL()+path, nil)
	if err != nil {
		return err
	}
	response, err := r.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, response.Status)
	}
	return nil
}

func (r *Replica) ended() error {
	how := "exit status 0"
	if err := r.Wait(); err != nil {
		how = err.Error()
	}
	return fmt.Errorf("the replica ended before it was ready (%s); its log ends:\n%s", how, r.LogTail(10))
}

// URL is the replica's address, known since WaitReady succeeded.
func (r *Replica) URL() string {
	if r.config.RootCAs != nil {
		return "https://" + r.log.address()
	}
	return "http://" + r.log.address()
}

// restart starts the program again, on the same address, with the same
// configuration. The old process must have ended.
func (r *Replica) restart() (*Replica, error) {
	config := r.config
	config.Listen = r.log.address()
	return StartReplica(config)
}

// LogTail returns the last lines of the log.
func (r *Replica) LogTail(lines int) string { return Tail(r.config.Log, lines) }
