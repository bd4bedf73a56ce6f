//go:build !unix

package controlplane

import "syscall"

func childAttributes() *syscall.SysProcAttr { return nil }
