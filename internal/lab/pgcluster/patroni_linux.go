package pgcluster

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"dummymessenger/internal/lab"
)

// Patroni is PostgreSQL on three nodes with automatic failover: Patroni on each, and
// one etcd. Every node's processes are in a PID namespace of their own, so that they
// end and stand still together, as those of a machine do.
type Patroni struct {
	Nodes []*Node

	dir      string
	account  account
	password string
	etcd     *lab.Process
	etcdURL  string
	etcdPeer string
}

// A Node is one of the machines.
type Node struct {
	Name string

	dir     string
	address string       // of PostgreSQL
	api     string       // host and port of Patroni's REST interface
	process *lab.Process // unshare(1), which waits for the namespace's first process
}

// What OPERATIONS.md says to run, in the folder that has both files.
const (
	NodeCommand       = "set -a; . ./node.env; exec patroni patroni.yml"
	SwitchoverCommand = "set -a; . ./node.env; patronictl -c patroni.yml switchover --force"
)

// nodes is how many there are: a leader, its synchronous standby, and one to take that place.
const nodes = 3

// StartPatroni makes three nodes from the files patroni.yml and node.env of the folder
// deploy, and returns when one leads and another follows it synchronously. The caller
// must Stop it. It needs root, and the programs etcd, patroni, unshare and setpriv.
func StartPatroni(ctx context.Context, deploy string) (*Patroni, error) {
	for _, program := range []string{"etcd", "patroni", "patronictl", "unshare", "setpriv"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, err
		}
	}
	c, err := newCluster("")
	if err != nil {
		return nil, err
	}
	p := &Patroni{dir: c.dir, account: c.account, password: rand.Text()}
	if err := p.start(ctx, c.bin, deploy); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

func (p *Patroni) start(ctx context.Context, bin, deploy string) error {
	if p.account.credential == nil {
		return errors.New("only root can make namespaces")
	}
	config, err := os.ReadFile(filepath.Join(deploy, "patroni.yml"))
	if err != nil {
		return err
	}
	env, err := os.ReadFile(filepath.Join(deploy, "node.env"))
	if err != nil {
		return err
	}
	for _, address := range []*string{&p.etcdURL, &p.etcdPeer} {
		port, err := freePort()
		if err != nil {
			return err
		}
		*address = fmt.Sprintf("http://127.0.0.1:%d", port)
	}
	if err := p.StartEtcd(); err != nil {
		return err
	}
	for i := range nodes {
		if err := p.addNode(fmt.Sprintf("db%d", i+1), bin, config, string(env)); err != nil {
			return err
		}
	}
	return p.WaitHealthy(ctx)
}

// addNode makes a node with its two files and starts it.
func (p *Patroni) addNode(name, bin string, config []byte, env string) error {
	n := &Node{Name: name, dir: filepath.Join(p.dir, name)}
	if err := os.Mkdir(n.dir, 0o700); err != nil {
		return err
	}
	if err := p.account.own(n.dir); err != nil {
		return err
	}
	for _, address := range []*string{&n.address, &n.api} {
		port, err := freePort()
		if err != nil {
			return err
		}
		*address = fmt.Sprintf("127.0.0.1:%d", port)
	}
	ours := strings.NewReplacer("db1:5432", n.address, "db1:8008", n.api, "db1", name,
		"etcd:2379", strings.TrimPrefix(p.etcdURL, "http://"), "/var/lib/postgresql", n.dir,
		"/usr/lib/postgresql/15/bin", bin, "SECRET", p.password)
	for name, content := range map[string]string{"patroni.yml": string(config), "node.env": ours.Replace(env)} {
		path := filepath.Join(n.dir, name)
		if err := errors.Join(os.WriteFile(path, []byte(content), 0o600), p.account.own(path)); err != nil {
			return err
		}
	}
	p.Nodes = append(p.Nodes, n)
	return p.StartNode(n)
}

// StartNode starts a node that was killed.
func (p *Patroni) StartNode(n *Node) (err error) {
	log, err := os.OpenFile(n.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	credential := p.account.credential
	cmd := exec.Command("unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
		"setpriv", fmt.Sprint("--reuid=", credential.Uid), fmt.Sprint("--regid=", credential.Gid), "--clear-groups", "--pdeathsig=KILL",
		"sh", "-c", NodeCommand)
	cmd.Dir, cmd.Env = n.dir, []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "HOME=" + n.dir}
	cmd.Stdout, cmd.Stderr = log, log
	n.process, err = lab.Start(cmd, log)
	return err
}

func (n *Node) log() string { return filepath.Join(n.dir, "log") }

// LogTail returns the last lines of what Patroni and PostgreSQL said.
func (n *Node) LogTail(lines int) string { return lab.Tail(n.log(), lines) }

// Kill ends all of the node's processes at once.
func (n *Node) Kill() error {
	first, err := childrenOf(n.process.Pid())
	if err != nil {
		return err
	}
	if len(first) == 0 { // it has not begun, or has ended
		n.process.Stop(os.Kill, 0)
		return nil
	}
	err = signalAll(first, syscall.SIGKILL) // with a namespace's first process all of its others end
	n.process.Wait()
	return err
}

// Freeze stops all of the node's processes where they stand.
func (n *Node) Freeze() error {
	stopped := map[int]bool{}
	for { // until none is left that could start others
		all, err := n.processes()
		if err != nil {
			return err
		}
		before := len(stopped)
		for _, pid := range all {
			stopped[pid] = true
		}
		if len(stopped) == before {
			return nil
		}
		if err := signalAll(all, syscall.SIGSTOP); err != nil {
			return err
		}
	}
}

// Thaw lets a frozen node go on.
func (n *Node) Thaw() error {
	all, err := n.processes()
	return errors.Join(err, signalAll(all, syscall.SIGCONT))
}

// processes are those of the node's namespace.
func (n *Node) processes() (all []int, err error) {
	first, err := childrenOf(n.process.Pid())
	if err != nil || len(first) != 1 {
		return nil, errors.Join(err, fmt.Errorf("node %s does not run", n.Name))
	}
	namespace, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", first[0]))
	if err != nil {
		return nil, err
	}
	paths, err := filepath.Glob("/proc/[0-9]*/ns/pid")
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		if its, err := os.Readlink(path); err != nil || its != namespace {
			continue // or it has ended
		}
		pid, err := strconv.Atoi(strings.Split(path, "/")[2])
		if err != nil {
			return nil, err
		}
		all = append(all, pid)
	}
	return all, nil
}

// StartEtcd starts etcd, again after KillEtcd.
func (p *Patroni) StartEtcd() (err error) {
	log, err := os.OpenFile(filepath.Join(p.dir, "etcd.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cmd := exec.Command("etcd", "--data-dir", filepath.Join(p.dir, "etcd"), "--listen-client-urls", p.etcdURL,
		"--advertise-client-urls", p.etcdURL, "--listen-peer-urls", p.etcdPeer, "--initial-advertise-peer-urls", p.etcdPeer,
		"--initial-cluster", "default="+p.etcdPeer)
	cmd.Stdout, cmd.Stderr = log, log
	p.etcd, err = lab.Start(cmd, log)
	return err
}

// KillEtcd ends etcd, without which no node may lead.
func (p *Patroni) KillEtcd() { p.etcd.Stop(os.Kill, 0) }

// Stop ends everything and removes all data.
func (p *Patroni) Stop() (err error) {
	for _, n := range p.Nodes {
		if n.process != nil {
			err = errors.Join(err, n.Kill())
		}
	}
	if p.etcd != nil {
		p.KillEtcd()
	}
	return errors.Join(err, os.RemoveAll(p.dir))
}

// URL names a database that lives on whichever node leads.
func (p *Patroni) URL(database string) string {
	var hosts []string
	for _, n := range p.Nodes {
		hosts = append(hosts, n.address)
	}
	return fmt.Sprintf("postgres://postgres:%s@%s/%s?sslmode=disable&target_session_attrs=read-write",
		p.password, strings.Join(hosts, ","), database)
}

// Switchover hands the lead over in order, as an operator does, and returns when it is done.
func (p *Patroni) Switchover(ctx context.Context) error {
	leader, err := p.Leader()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", SwitchoverCommand)
	cmd.Dir, cmd.Env = leader.dir, append(os.Environ(), "LC_ALL=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("patronictl switchover: %w\n%s", err, out)
	}
	return p.WaitLeader(ctx, leader)
}

// A member is a node as Patroni's REST interface shows it.
type member struct{ Name, Role, State string }

// members asks node n for all of them.
func (n *Node) members() ([]member, error) {
	response, err := (&http.Client{Timeout: time.Second}).Get("http://" + n.api + "/cluster")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	var cluster struct{ Members []member }
	return cluster.Members, json.Unmarshal(body, &cluster)
}

// leads reports whether n says that it holds the lock by which it leads.
func (n *Node) leads() bool {
	response, err := (&http.Client{Timeout: time.Second}).Get("http://" + n.api + "/primary")
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// Leader is the node that leads.
func (p *Patroni) Leader() (*Node, error) {
	for _, n := range p.Nodes {
		if n.leads() {
			return n, nil
		}
	}
	return nil, errors.New("no node leads")
}

// WaitLeader returns when another node than old leads, any if that is nil.
func (p *Patroni) WaitLeader(ctx context.Context, old *Node) error {
	return p.wait(ctx, "another node leads", func() bool {
		leader, err := p.Leader()
		return err == nil && leader != old
	})
}

// WaitNoLeader returns when no node accepts writes any more.
func (p *Patroni) WaitNoLeader(ctx context.Context) error {
	return p.wait(ctx, "no node leads", func() bool {
		_, err := p.Leader()
		return err != nil
	})
}

// WaitHealthy returns when one node leads and the others follow, one of them
// synchronously.
func (p *Patroni) WaitHealthy(ctx context.Context) error {
	return p.wait(ctx, "one node leads and two follow", func() bool {
		leader, err := p.Leader()
		if err != nil {
			return false
		}
		members, err := leader.members()
		synchronous, healthy := 0, 0
		for _, m := range members {
			if m.Role == "sync_standby" {
				synchronous++
			}
			if m.State == "running" || m.State == "streaming" {
				healthy++
			}
		}
		return err == nil && synchronous == 1 && healthy == nodes
	})
}

func (p *Patroni) wait(ctx context.Context, what string, condition func() bool) error {
	for !condition() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w", what, context.Cause(ctx))
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}
