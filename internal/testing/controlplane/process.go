package controlplane

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
)

// process is a running component of the control plane. Its output goes to a file, whose end is part of every error.
type process struct {
	name    string
	logFile string
	cmd     *exec.Cmd
	stopped atomic.Bool
	// exited is closed after the process has ended; err is valid from then on.
	exited chan struct{}
	err    error
}

// startProcess starts an executable that dies with this process, where the operating system can arrange that.
func startProcess(path, logDir string, args ...string) (*process, error) {
	name := filepath.Base(path)
	p := &process{
		name:    name,
		logFile: filepath.Join(logDir, name+".log"),
		cmd:     exec.Command(path, args...),
		exited:  make(chan struct{}),
	}
	log, err := os.OpenFile(p.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the child has its own copy
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Dir = logDir
	p.cmd.SysProcAttr = childAttributes()

	started := make(chan error)
	go func() {
		// The kernel sends the parent-death signal when the thread that forked ends, not the whole parent. This
		// goroutine keeps its thread to itself and alive for as long as the child lives.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		err = p.cmd.Wait()
		if !p.stopped.Load() {
			if err == nil {
				err = errors.New("exit status 0")
			}
			p.err = fmt.Errorf("%s ended by itself: %w\n%s", p.name, err, p.logTail())
		}
		close(p.exited)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	return p, nil
}

// stop ends the process at once: nothing that it holds outlives the control plane, so there is nothing to save. The
// error is that of a process which had ended before it was asked to.
func (p *process) stop() error {
	if p == nil {
		return nil
	}
	select {
	case <-p.exited:
		return p.err
	default:
	}
	p.stopped.Store(true)
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping %s: %w", p.name, err)
	}
	<-p.exited
	return p.err
}

func (p *process) logTail() string {
	content, err := os.ReadFile(p.logFile)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	if len(lines) > 20 {
		lines = lines[len(lines)-20:]
	}
	return strings.TrimSpace(string(bytes.Join(lines, []byte("\n"))))
}
