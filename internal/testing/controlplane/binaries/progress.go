package binaries

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// progress tells a person, or a log, how far a build has come. On a terminal one line is rewritten every second;
// elsewhere a line is added now and then, so that a long silence never looks like a hang.
type progress struct {
	out      io.Writer
	terminal bool
	interval time.Duration
	total    int
	done     int
}

func newProgress(out io.Writer) *progress {
	p := &progress{out: out, interval: 15 * time.Second}
	if out == nil {
		p.out = io.Discard
	}
	if file, ok := out.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			p.terminal, p.interval = true, time.Second
		}
	}
	return p
}

func (p *progress) waiting() {
	fmt.Fprintln(p.out, "control plane: another process is building it; waiting for that")
}

func (p *progress) begin(total int) {
	p.total = total
	fmt.Fprintln(p.out, "control plane: building from the pinned Go modules, once "+
		"(all four from an empty Go cache: about seven minutes on two cores)")
}

// compilation is the output side of one go build -v, which names each package as it is compiled.
type compilation struct {
	progress *progress
	name     string
	number   int
	started  time.Time
	stop     chan struct{}
	stopped  sync.WaitGroup

	mu       sync.Mutex
	partial  string
	packages int
	modules  int
	messages []string
}

func (p *progress) start(name string) *compilation {
	p.done++
	c := &compilation{progress: p, name: name, number: p.done, started: time.Now(), stop: make(chan struct{})}
	c.report("building")
	c.stopped.Go(func() {
		ticker := time.NewTicker(p.interval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				c.report(c.counts())
			case <-c.stop:
				return
			}
		}
	})
	return c
}

// Write takes the output of go build -v apart.
func (c *compilation) Write(output []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	lines := strings.Split(c.partial+string(output), "\n")
	c.partial = lines[len(lines)-1]
	for _, line := range lines[:len(lines)-1] {
		switch {
		case strings.HasPrefix(line, "go: downloading "):
			c.modules++
		case line != "" && !strings.ContainsAny(line, " \t:"): // an import path; messages have blanks or colons
			c.packages++
		default:
			c.messages = append(c.messages, line)
		}
	}
	return len(output), nil
}

func (c *compilation) counts() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.packages == 0 && c.modules > 0 {
		return fmt.Sprintf("%d modules downloaded", c.modules)
	}
	return fmt.Sprintf("%d packages compiled", c.packages)
}

func (c *compilation) elapsed() time.Duration { return time.Since(c.started).Round(time.Second) }

func (c *compilation) report(state string) {
	line := fmt.Sprintf("control plane: %d of %d, %s: %s, %s", c.number, c.progress.total, c.name, state, c.elapsed())
	if c.progress.terminal {
		const clearLine = "\r\033[K"
		fmt.Fprint(c.progress.out, clearLine+line)
		return
	}
	fmt.Fprintln(c.progress.out, line)
}

func (c *compilation) finish(err error) {
	close(c.stop)
	c.stopped.Wait()
	state := "done"
	if err != nil {
		state = "failed"
	}
	c.report(state)
	if c.progress.terminal {
		fmt.Fprintln(c.progress.out)
	}
}

// tail returns the last messages of the Go tool: the part of its output that explains a failure.
func (c *compilation) tail() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	messages := append(slices.Clone(c.messages), c.partial)
	if len(messages) > 30 {
		messages = messages[len(messages)-30:]
	}
	return strings.TrimSpace(strings.Join(messages, "\n"))
}
