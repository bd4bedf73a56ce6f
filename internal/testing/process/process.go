// Package process runs programs that end with this one.
package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Process is a program that runs on its own. Its output goes to a file, whose end is part of every error.
type Process struct {
	// Log is the file with the output.
	Log string

	name  string
	cmd   *exec.Cmd
	asked atomic.Bool // to end
	// exited is closed after the process has ended; err is valid from then on.
	exited chan struct{}
	err    error
}

// Start starts a program in a directory, and logs there too. It dies with this process, where the operating system can
// arrange that.
func Start(dir, path string, args ...string) (*Process, error) {
	name := filepath.Base(path)
	p := &Process{Log: filepath.Join(dir, name+".log"), name: name, cmd: exec.Command(path, args...), exited: make(chan struct{})}
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the child has its own copy
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Dir = dir
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
		if !p.asked.Load() {
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

// PID is the id of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Exited is closed after the process has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Err says how a process ended that nobody had asked to; nil as long as it runs.
func (p *Process) Err() error {
	select {
	case <-p.exited:
		return p.err
	default:
		return nil
	}
}

// Kill ends the process at once; nil is one that was never started. The error is that of one which had ended before it was
// asked to.
func (p *Process) Kill() error {
	if p == nil {
		return nil
	}
	if err := p.signal(os.Kill); err != nil {
		return err
	}
	<-p.exited
	return p.err
}

// Stop asks the process to end, and kills it if it has not after a while.
func (p *Process) Stop(patience time.Duration) error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(patience):
		_ = p.Kill()
		return fmt.Errorf("%s did not end within %s of being asked, and was killed", p.name, patience)
	}
}

// signal tells the process to end, unless it has.
func (p *Process) signal(signal os.Signal) error {
	p.asked.Store(true)
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping %s: %w", p.name, err)
	}
	return nil
}

func (p *Process) logTail() string {
	content, err := os.ReadFile(p.Log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}
