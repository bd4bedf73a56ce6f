//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package controlplane

import (
	"os"
	"syscall"
)

// tryLock takes the lock on the named file, or fails at once when another process has it. The kernel gives it back when
// its holder dies.
func tryLock(path string) (release func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, &os.PathError{Op: "lock", Path: path, Err: err}
	}
	return func() { _ = file.Close() }, nil
}
