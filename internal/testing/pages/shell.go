//go:build unix

package pages

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Shell is a bash that keeps its variables and its directory from one block to the next, as a terminal does.
type Shell struct {
	command    *exec.Cmd
	in         io.WriteCloser
	out        *bufio.Reader
	directory  string // of scripts
	background []*program
}

// NewShell starts a shell in a directory, with a directory for scripts and an environment besides this process's.
func NewShell(in, scripts string, environment ...string) (*Shell, error) {
	s := &Shell{command: exec.Command("bash", "--noprofile", "--norc"), directory: scripts}
	s.command.Dir = in
	s.command.Env = append(os.Environ(), environment...)
	s.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that what it runs can be ended with it
	var err error
	if s.in, err = s.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.command.Stderr = s.command.Stdout // in the order in which a terminal shows them
	s.out = bufio.NewReader(out)
	return s, s.command.Start()
}

// end marks the end of what a block printed; its exit status follows.
const end = "\x1eend of block "

// Run runs a block and returns what it printed, and its exit status.
func (s *Shell) Run(ctx context.Context, block Block) (printed string, status int, err error) {
	script := filepath.Join(s.directory, "block.sh")
	if err := os.WriteFile(script, []byte(block.Commands), 0o600); err != nil {
		return "", 0, err
	}
	if _, err := fmt.Fprintf(s.in, ". '%s' </dev/null; printf '%s%%d\\n' $?\n", script, end); err != nil {
		return "", 0, err
	}
	stop := context.AfterFunc(ctx, func() { _ = syscall.Kill(-s.command.Process.Pid, syscall.SIGKILL) })
	defer stop()
	var text strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		before, code, last := strings.Cut(line, end)
		text.WriteString(before)
		if err != nil {
			return text.String(), 0, fmt.Errorf("line %d: the shell ended: %w\n%s", block.Line, errors.Join(err, context.Cause(ctx)), text.String())
		}
		if last {
			status, err = strconv.Atoi(strings.TrimSpace(code))
			return text.String(), status, err
		}
	}
}

// program is what runs in a terminal of its own.
type program struct {
	command *exec.Cmd
	exited  chan struct{}

	mu      sync.Mutex
	printed strings.Builder
}

// Write takes what it prints.
func (p *program) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.printed.Write(text)
}

func (p *program) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.printed.String()
}

// Start starts a program that goes on running, and waits until it has printed what the page says. say translates what it prints
// into what the page says.
func (s *Shell) Start(ctx context.Context, block Block, say func(string) string) error {
	p := &program{command: exec.Command("bash", "-c", block.Commands), exited: make(chan struct{})}
	p.command.Dir = s.command.Dir
	p.command.Stdout, p.command.Stderr = p, p
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.command.Start(); err != nil {
		return err
	}
	s.background = append(s.background, p)
	go func() {
		defer close(p.exited)
		_ = p.command.Wait() // it runs until it is interrupted; what it printed says why it ended before
	}()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for !strings.HasSuffix(Comparable(say(p.text())), Comparable(block.Said)) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %s", context.Cause(ctx), block.Difference(say(p.text())))
		case <-p.exited:
			return fmt.Errorf("line %d: %s ended: %s", block.Line, strings.TrimSpace(block.Commands), p.text())
		case <-ticker.C:
		}
	}
	return nil
}

// Close ends the shell, and interrupts the programs as Ctrl-C does.
func (s *Shell) Close() error {
	_ = s.in.Close()
	_ = s.command.Wait() // a block that failed is no fault of the shell
	var errs []error
	for _, p := range s.background {
		_ = syscall.Kill(-p.command.Process.Pid, syscall.SIGINT) // it may have ended
		select {
		case <-p.exited:
		case <-time.After(time.Minute):
			_ = syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL)
			errs = append(errs, fmt.Errorf("a minute after Ctrl-C this still ran: %s", strings.Join(p.command.Args, " ")))
		}
	}
	return errors.Join(errs...)
}
