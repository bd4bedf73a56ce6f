//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package controlplane

import "errors"

func tryLock(string) (func(), error) {
	return nil, errors.New("the local control plane runs on Linux, macOS and BSD only")
}
