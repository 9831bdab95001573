package process

import (
	"os/exec"
	"syscall"
)

func isolate(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Setpgid = true

	// The kernel sends this when the *thread* that started the child ends.
	// Go ends a thread only when a goroutine returns while locked to it, and
	// nothing that calls Start does that.
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
}
