//go:build !unix

package process

import "syscall"

func childAttributes() *syscall.SysProcAttr { return nil }
