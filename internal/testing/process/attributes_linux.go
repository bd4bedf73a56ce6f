package process

import "syscall"

// childAttributes puts a child into a process group of its own, so that an interrupt at the terminal reaches only this
// process, which then ends its children in order; and has the kernel end the child when this process is killed.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
