//go:build !linux

package controlplane

import "syscall"

// childAttributes asks for nothing: only Linux ends a child when its parent is killed.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{}
}
