package lab

import (
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// separate is also what lets a Ctrl-Break event reach one child alone.
func separate(a *syscall.SysProcAttr) { a.CreationFlags |= syscall.CREATE_NEW_PROCESS_GROUP }

func (p *Process) signal(sig os.Signal) error {
	if sig == os.Interrupt || sig == syscall.SIGTERM {
		if p.stdin != nil {
			p.stdin.Close() // a second time is no matter
			return nil
		}
		return windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(p.Pid()))
	}
	return p.cmd.Process.Kill()
}
