//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package binaries

import (
	"context"
	"errors"
)

// Lock is not to be had here.
func Lock(context.Context, string, func()) (func(), error) {
	return nil, errors.New("the local control plane is built on Linux, macOS and BSD only; elsewhere set " + AssetsEnv)
}
