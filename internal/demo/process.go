package demo

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is a program of this project that runs on its own, its output in a file.
type process struct {
	name string
	log  string
	cmd  *exec.Cmd
	// exited is closed when the program has ended; err is valid from then on.
	exited chan struct{}
	err    error
}

// stopPatience is how long a program that was asked to end is waited for. The operator takes up to 20 s to have its
// last requests answered.
const stopPatience = 25 * time.Second

// startProcess starts a program with its output in dir. Call it from a goroutine that is locked to a thread which lives
// as long as this process (see childAttributes).
func startProcess(dir, path string, args ...string) (*process, error) {
	p := &process{name: filepath.Base(path), cmd: exec.Command(path, args...), exited: make(chan struct{})} //nolint:gosec,noctx // a program of this project, which stop ends gently
	p.log = filepath.Join(dir, p.name+".log")
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // the program has its own copy
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = childAttributes()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// ended describes the end of a program that should still run.
func (p *process) ended() error {
	how := "exit status 0"
	if p.err != nil {
		how = p.err.Error()
	}
	return fmt.Errorf("%s ended by itself (%s):\n%s", p.name, how, p.logTail())
}

// stop asks the program to end, and ends it if it does not.
func (p *process) stop() error {
	select {
	case <-p.exited:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping %s: %w", p.name, err)
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(stopPatience):
		_ = p.cmd.Process.Kill()
		<-p.exited
		return fmt.Errorf("%s did not end within %s of being asked, and was killed", p.name, stopPatience)
	}
}

func (p *process) logTail() string {
	content, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}
