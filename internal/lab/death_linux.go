package lab

import "syscall"

// dieWithUs has the kernel kill the child when the *thread* that started it
// ends. Go ends a thread only when a goroutine returns while locked to it, and
// nothing that calls Start does that.
func dieWithUs(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
