//go:build unix

package lab

import (
	"os"
	"syscall"
)

func separate(a *syscall.SysProcAttr) { a.Setpgid = true }

func (p *Process) signal(sig os.Signal) error { return p.cmd.Process.Signal(sig) }

// Freeze stops the process where it stands, as a machine that hangs would.
func (p *Process) Freeze() error { return p.Signal(syscall.SIGSTOP) }

// Thaw lets a frozen process go on.
func (p *Process) Thaw() error { return p.Signal(syscall.SIGCONT) }
