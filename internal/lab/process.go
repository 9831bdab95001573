// Package lab runs the programs as their users do: built from this source, as
// child processes, several replicas on one database.
//
// The packages below it are what surrounds them: databases, networks, browsers,
// and faults in all of these.
package lab

import (
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// A Process is a running program. Somebody always waits for it, so that its
// end is seen at once and leaves no zombie.
//
// On Linux the kernel kills it when its parent dies, whatever the cause;
// elsewhere a parent that is killed leaves its children behind.
type Process struct {
	cmd   *exec.Cmd
	stdin io.Closer // on Windows, if it is not nil: its end asks the process to end
	done  chan struct{}
	err   error // what cmd.Wait returned; guarded by done
}

// Start starts cmd, whose fields the caller may have set as for cmd.Start, in
// a process group of its own: ^C in the terminal reaches the parent only,
// which can then end its children in the right order.
//
// Once all output is written, and before Done, it closes files; also if cmd
// does not start.
func Start(cmd *exec.Cmd, files ...io.Closer) (*Process, error) {
	dieWithUs(attributes(cmd))
	separate(attributes(cmd))
	return start(cmd, files)
}

// StartInGroup starts cmd in our process group: it may use the terminal, and
// gets the terminal's ^C itself. It closes files as Start does.
func StartInGroup(cmd *exec.Cmd, files ...io.Closer) (*Process, error) {
	dieWithUs(attributes(cmd))
	return start(cmd, files)
}

func start(cmd *exec.Cmd, files []io.Closer) (*Process, error) {
	if err := cmd.Start(); err != nil {
		closeAll(files)
		return nil, err
	}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait() // which also waits for the last of its output
		closeAll(files)
		close(p.done)
	}()
	return p, nil
}

func closeAll(files []io.Closer) {
	for _, f := range files {
		f.Close()
	}
}

// Pid is the process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the end. It returns nil for exit status 0 and else, as a
// rule, an *exec.ExitError.
func (p *Process) Wait() error {
	<-p.done
	return p.err
}

// Signal sends sig. Windows has no signals; there os.Interrupt and SIGTERM
// become the end of a replica's stdin and for others a Ctrl-Break event, which
// Go programs see as os.Interrupt and PostgreSQL as SIGINT, and every other one
// ends the process at once. A process that has ended already is no error.
func (p *Process) Signal(sig os.Signal) error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := p.signal(sig); err != nil && err != os.ErrProcessDone {
		return err
	}
	return nil
}

// Stop asks the process to end with sig and kills it if it has not ended
// after grace. It returns as Wait does.
func (p *Process) Stop(sig os.Signal, grace time.Duration) error {
	if err := p.Signal(sig); err != nil {
		grace = 0 // it cannot be asked
	}
	select {
	case <-p.done:
	case <-time.After(grace):
		p.Signal(os.Kill)
	}
	return p.Wait()
}

func attributes(cmd *exec.Cmd) *syscall.SysProcAttr {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	return cmd.SysProcAttr
}
