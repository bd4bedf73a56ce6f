package controlplane

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	// directoryPattern is short because the path of a socket inside must fit into 104 bytes.
	directoryPattern = "kisi-operator-*"
	directoryLock    = "in-use"
	// settlingTime protects a directory that has just been made and is not locked yet.
	settlingTime = time.Minute
)

// newDirectory makes a temporary directory and marks it as used until release is called or this process ends. It
// removes those which killed processes have left behind.
func newDirectory() (dir string, release func(), err error) {
	removeAbandoned()
	dir, err = os.MkdirTemp("", directoryPattern)
	if err != nil {
		return "", nil, err
	}
	release, err = tryLock(filepath.Join(dir, directoryLock))
	if err != nil {
		os.RemoveAll(dir)
		return "", nil, fmt.Errorf("marking %s as used: %w", dir, err)
	}
	return dir, release, nil
}

func removeAbandoned() {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), directoryPattern))
	if err != nil {
		return
	}
	for _, dir := range dirs {
		lock := filepath.Join(dir, directoryLock)
		info, err := os.Stat(lock)
		if err != nil || time.Since(info.ModTime()) < settlingTime {
			continue
		}
		if release, err := tryLock(lock); err == nil {
			os.RemoveAll(dir)
			release()
		}
	}
}
