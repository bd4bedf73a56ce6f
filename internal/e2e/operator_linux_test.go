package e2e

import "syscall"

// childAttributes has the kernel end a child when this process is killed, and keeps an interrupt at the terminal from it.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
