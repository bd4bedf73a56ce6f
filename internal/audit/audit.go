// Package audit writes the stream of what was changed in Kisi for whom and why: one JSON object a line.
package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Action is what happened to a role assignment.
type Action string

const (
	// Granted says that the role assignment was made.
	Granted Action = "Granted"
	// WindowChanged says that it has other bounds.
	WindowChanged Action = "WindowChanged"
	// Revoked says that it was deleted.
	Revoked Action = "Revoked"
)

// Result says how it came to that.
type Result string

const (
	// Done says that the operator's request did it.
	Done Result = "Done"
	// Found says that it was found so in Kisi: a request whose answer was lost has done it, or somebody in Kisi.
	Found Result = "Found"
)

// Entry is one line.
type Entry struct {
	Time           time.Time             `json:"time"`
	Action         Action                `json:"action"`
	Result         Result                `json:"result"`
	Namespace      string                `json:"namespace"`
	Connection     v1alpha1.ObjectName   `json:"connection"`
	OrganizationID v1alpha1.KisiID       `json:"organizationID"`
	Group          v1alpha1.ObjectName   `json:"group"`
	KisiGroupID    v1alpha1.KisiID       `json:"kisiGroupID"`
	UserID         v1alpha1.KisiID       `json:"userID"`
	AssignmentID   v1alpha1.KisiID       `json:"assignmentID"`
	Member         string                `json:"member"`
	MemberUID      types.UID             `json:"memberUID"`
	Email          v1alpha1.EmailAddress `json:"email,omitempty"`
	// ValidFrom and ValidUntil are absent for a bound that is open.
	ValidFrom  *time.Time `json:"validFrom,omitempty"`
	ValidUntil *time.Time `json:"validUntil,omitempty"`
	// Causes are the ways from a source to the group, as Kind/name.
	Causes [][]string `json:"causes"`
	// LatencySeconds is the time from when the operation was first planned until Kisi has answered.
	LatencySeconds float64 `json:"latencySeconds"`
}

// room is how many entries wait for a slow disk; those that come when it is full are lost, and counted.
const room = 10_000

// Log is the stream. Record never waits while Start runs; a nil Log takes nothing down.
type Log struct {
	// OnLost, if set, is told of entries that could not be written.
	OnLost func(entries int)

	out     io.Writer
	entries chan Entry

	writing sync.Mutex
	torn    bool // the last line was written in part; writing is held

	mu       sync.Mutex
	failing  bool
	overflow bool
	ended    bool // nobody takes entries out any more
}

// Open opens the stream: "-" is standard output, anything else a file that is appended to, and made if it is not there.
// It is nil for an empty name.
func Open(name string) (*Log, error) {
	switch name {
	case "":
		return nil, nil
	case "-":
		return To(os.Stdout), nil
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) // #nosec G304 -- the file that a flag names
	if err != nil {
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	return To(file), nil
}

// To writes the stream to out.
func To(out io.Writer) *Log {
	return &Log{out: out, entries: make(chan Entry, room)}
}

// Record takes an entry down as soon as the disk allows. Once Start has ended it writes the entry itself: the manager stops
// what needs no lease first, and waits only then for the requests under way, whose answers are entries too.
func (l *Log) Record(entry Entry) {
	if l == nil {
		return
	}
	l.mu.Lock()
	ended, full, first := l.ended, false, false
	if !ended {
		select {
		case l.entries <- entry:
		default:
			full, first, l.overflow = true, !l.overflow, true
		}
	}
	l.mu.Unlock()
	switch {
	case ended:
		l.write(entry)
	case full:
		if first {
			log.Log.WithName("audit").Error(nil, "The audit log does not keep up; entries are lost until it does", "waiting", room)
		}
		l.lost()
	}
}

// Start implements manager.Runnable: it writes until ctx ends, and then what has come by then. The stream stays open for
// what comes later.
func (l *Log) Start(ctx context.Context) error {
	for {
		select {
		case entry := <-l.entries:
			l.write(entry)
		case <-ctx.Done():
			l.mu.Lock()
			l.ended = true
			l.mu.Unlock()
			for {
				select {
				case entry := <-l.entries:
					l.write(entry)
				default:
					return nil
				}
			}
		}
	}
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (l *Log) NeedLeaderElection() bool { return false }

// write writes one entry in one call, so that whoever truncates the file in between leaves whole lines.
func (l *Log) write(entry Entry) {
	l.writing.Lock()
	line, err := json.Marshal(entry)
	if err == nil {
		if line = append(line, '\n'); l.torn { // what a full disk has taken of a line stays a line of its own
			line = append([]byte{'\n'}, line...)
		}
		var written int
		written, err = l.out.Write(line)
		l.torn = err != nil && (l.torn || written > 0)
	}
	l.writing.Unlock()
	l.mu.Lock()
	failed, worked := err != nil && !l.failing, err == nil && (l.failing || l.overflow)
	l.failing, l.overflow = err != nil, l.overflow && err != nil
	l.mu.Unlock()
	switch {
	case failed:
		log.Log.WithName("audit").Error(err, "The audit log cannot be written; entries are lost until it can, and access is granted and revoked all the same")
	case worked:
		log.Log.WithName("audit").Info("The audit log is written again")
	}
	if err != nil {
		l.lost()
	}
}

func (l *Log) lost() {
	if l.OnLost != nil {
		l.OnLost(1)
	}
}
