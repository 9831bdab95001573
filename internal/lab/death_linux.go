package lab

import "syscall"

// dieWithUs makes the kernel kill the child when the *thread* that started it ends. Go
// ends a thread only when a goroutine returns while locked to it, and no caller of
// Start does that.
func dieWithUs(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
