package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"dummymessenger/internal/lab"
)

// Servers are what contenders send to.
type servers struct {
	name  string
	start func(ctx context.Context) (*group, error)
	*group

	unverified bool // their answers cannot be verified, so they are only counted

	// send sends what so many callers can for the usual time. Nil: the client does.
	send func(ctx context.Context, callers int) (sample, error)
}

// A group is servers that share a log, and run.
type group struct {
	urls      []string
	processes []*lab.Process
}

// stop stops all servers at once and kills those that do not exit.
func (g *group) stop() {
	var wg sync.WaitGroup
	for _, p := range g.processes {
		wg.Go(func() { p.Stop(syscall.SIGTERM, 10*time.Second) })
	}
	wg.Wait()
}

// Databases of replicas, besides a sqlite:PATH and a postgres:// URL.
const (
	newDatabase = ""          // a new one in the cluster
	constant    = "constant:" // of ./bare: answers that never change
	inMemory    = "memory:"   // of ./bare: a log that is not stored, of one process
)

// replicas are n servers of one program that share a database.
func (b *bench) replicas(name, program, database string, n int, args ...string) *servers {
	return &servers{name: name, unverified: database == constant, start: func(ctx context.Context) (*group, error) {
		return b.startReplicas(ctx, program, database, n, args...)
	}}
}

// ours are n replicas of this build on a new database.
func (b *bench) ours(name string, n int, args ...string) *servers {
	return b.replicas(name, b.server, newDatabase, n, args...)
}

// startReplicas returns when all replicas are ready.
func (b *bench) startReplicas(ctx context.Context, program, database string, n int, args ...string) (*group, error) {
	if database == newDatabase {
		var err error
		if database, err = b.createDatabase(ctx); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	g := new(group)
	rs, err := lab.StartReplicas(n, lab.ReplicaConfig{
		Program: program, Database: database, Log: b.path("server-*.log"), Dir: b.dir, Args: args,
	})
	for _, r := range rs {
		g.processes = append(g.processes, r.Process)
	}
	if err == nil {
		err = rs.WaitReady(ctx)
	}
	if err != nil {
		g.stop()
		return nil, err
	}
	g.urls = rs.URLs()
	return g, nil
}

func (b *bench) createDatabase(ctx context.Context) (url string, err error) {
	if b.cluster == nil {
		return "", missing("PostgreSQL is not installed; apt-get install postgresql, or the like")
	}
	b.number++
	return b.cluster.CreateDatabase(ctx, fmt.Sprintf("bench_%d", b.number))
}

// otherBuild are two replicas of another commit's build.
func (b *bench) otherBuild() *servers {
	return &servers{name: "the build of " + b.against, start: func(ctx context.Context) (*group, error) {
		program, err := b.buildOther(ctx)
		if err != nil {
			return nil, err
		}
		return b.startReplicas(ctx, program, newDatabase, 2)
	}}
}

// etcd is one etcd server.
func (b *bench) etcd() *servers {
	s := &servers{name: "etcd"}
	s.start = func(ctx context.Context) (*group, error) {
		program, err := exec.LookPath("etcd")
		if err != nil {
			return nil, missing("etcd is not installed; apt-get install etcd-server, or the like")
		}
		if err := build(ctx, b.source+"/bench/etcd", b.dir, "."); err != nil {
			return nil, err
		}
		return b.startEtcd(program)
	}
	s.send = func(ctx context.Context, callers int) (sample, error) {
		out, err := exec.CommandContext(ctx, lab.Program(b.dir, "etcd"),
			"--endpoint", s.urls[0], "--callers", fmt.Sprint(callers),
			"--warmup", b.warmup.String(), "--duration", b.length.String()).CombinedOutput()
		var perSecond float64
		if _, scanErr := fmt.Sscan(string(out), &perSecond); err != nil || scanErr != nil {
			return nil, fmt.Errorf("the client of etcd failed (%v): %s", err, out)
		}
		return sample{throughput: perSecond}, nil
	}
	return s
}

func (b *bench) startEtcd(program string) (*group, error) {
	var urls [2]string // for clients, for peers
	for i := range urls {
		address, err := freeAddress()
		if err != nil {
			return nil, err
		}
		urls[i] = "http://" + address
	}
	p, err := lab.Start(exec.Command(program, "--name", "bench", "--data-dir", b.path("etcd-data"),
		"--logger", "zap", "--log-outputs", b.path("etcd.log"),
		"--listen-client-urls", urls[0], "--advertise-client-urls", urls[0],
		"--listen-peer-urls", urls[1], "--initial-advertise-peer-urls", urls[1],
		"--initial-cluster", "bench="+urls[1]))
	if err != nil {
		return nil, err
	}
	return &group{urls: urls[:1], processes: []*lab.Process{p}}, nil // its client waits until it is ready
}

// get returns the answer to a GET if its status is 200.
func get(ctx context.Context, url string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := lab.Direct.Do(request)
	if err == nil && response.StatusCode != http.StatusOK {
		response.Body.Close()
		err = fmt.Errorf("GET %s: %s", url, response.Status)
	}
	return response, err
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
