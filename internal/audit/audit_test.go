package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// disk is one that can be full, or stand still. One that is full takes the begin of a line, as a real one does.
type disk struct {
	bytes.Buffer
	full    atomic.Bool
	room    int           // bytes that it takes though it is full
	release chan struct{} // nil: it does not stand still
}

func (d *disk) Write(line []byte) (int, error) {
	if d.release != nil {
		<-d.release
	}
	if d.full.Load() {
		n, _ := d.Buffer.Write(line[:min(d.room, len(line))])
		d.room -= n
		return n, errors.New("no space left on device")
	}
	return d.Buffer.Write(line)
}

func (d *disk) Close() error { return nil }

// run writes what has been recorded, and ends.
func run(t *testing.T, l *Log) {
	t.Helper()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Start(ended); err != nil {
		t.Fatal(err)
	}
}

func TestEachEntryIsALine(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.log")
	until := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	for range 2 { // it is appended to
		l, err := Open(name)
		if err != nil {
			t.Fatal(err)
		}
		l.Record(Entry{Action: Granted, Result: Done, Member: "ana", AssignmentID: 7, ValidUntil: &until, Causes: [][]string{{"BookingGrant/b7", "KisiGroup/lab"}}})
		run(t, l)
	}
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
	if len(lines) != 2 || lines[0] != lines[1] {
		t.Fatalf("the file has %q", content)
	}
	var entry map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &entry); err != nil {
		t.Fatal(err)
	}
	if _, has := entry["validFrom"]; has || entry["action"] != "Granted" || entry["assignmentID"] != float64(7) || entry["validUntil"] != "2026-12-01T12:00:00Z" {
		t.Errorf("the line says %v", entry)
	}
}

func TestADiskThatIsFullLosesEntriesAndNothingElse(t *testing.T) {
	d := &disk{room: 10}
	l, lost := To(d), 0
	l.OnLost = func(n int) { lost += n }
	d.full.Store(true)
	l.Record(Entry{Member: "ana"})
	l.Record(Entry{Member: "ben"})
	run(t, l)
	d.full.Store(false)
	l.Record(Entry{Member: "cleo"})
	l.Record(Entry{Member: "dora"})
	run(t, l)
	whole := 0
	for line := range strings.Lines(d.String()) {
		if json.Valid([]byte(line)) && strings.TrimSpace(line) != "" {
			whole++
		}
	}
	if lost != 2 || whole != 2 || !strings.HasSuffix(d.String(), "}\n") || !strings.Contains(d.String(), "cleo") {
		t.Errorf("%d lost, %d whole lines: %q", lost, whole, d.String())
	}
}

func TestNobodyWaitsForADiskThatStandsStill(t *testing.T) {
	d := &disk{release: make(chan struct{})}
	l := To(d)
	var lost atomic.Int32
	l.OnLost = func(n int) { lost.Add(int32(n)) }
	stopped := make(chan error)
	running, stop := context.WithCancel(t.Context())
	go func() { stopped <- l.Start(running) }()
	for range room + 5 { // one may be on its way to the disk
		l.Record(Entry{})
	}
	if n := lost.Load(); n < 4 || n > 5 {
		t.Errorf("%d entries were lost", n)
	}
	close(d.release)
	stop()
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(d.String(), "\n"); n+int(lost.Load()) != room+5 {
		t.Errorf("%d written and %d lost of %d", n, lost.Load(), room+5)
	}
}

// The manager stops what needs no lease first, and then waits for the requests under way, whose answers are entries too.
func TestWhatComesAfterTheEndIsWrittenAllTheSame(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.log")
	l, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	lost := 0
	l.OnLost = func(n int) { lost += n }
	run(t, l)
	l.Record(Entry{Member: "ana"})
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(content), "ana") {
		t.Errorf("the file has %q, and %d entries count as lost", content, lost)
	}
}

func TestWithoutAStreamNothingIsTakenDown(t *testing.T) {
	l, err := Open("")
	if l != nil || err != nil {
		t.Fatal(l, err)
	}
	l.Record(Entry{})
	if _, err := Open(filepath.Join(t.TempDir(), "no", "such", "folder")); err == nil || !strings.Contains(err.Error(), "opening the audit log") {
		t.Errorf("error: %v", err)
	}
}
