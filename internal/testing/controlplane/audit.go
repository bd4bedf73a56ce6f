package controlplane

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// AuditEvents returns what Options.AuditLog holds so far: every request in the order of its end. A watch has two events,
// one when it starts and one when it ends. It works after Stop, too.
func (c *ControlPlane) AuditEvents() ([]auditv1.Event, error) {
	return c.AuditEventsAbout("", 0)
}

// AuditLength is how much the audit log holds by now, for AuditEventsAbout.
func (c *ControlPlane) AuditLength() (int64, error) {
	info, err := os.Stat(c.options.AuditLog)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// AuditEventsAbout returns the events whose text holds a name, of requests that ended after the log had a length. It leaves the
// others undecoded: of a log that many tests share, each reads only its own part.
func (c *ControlPlane) AuditEventsAbout(name string, after int64) ([]auditv1.Event, error) {
	if c.options.AuditLog == "" {
		return nil, errors.New("this control plane was started without an audit log")
	}
	file, err := os.Open(c.options.AuditLog)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	// From the end of the line before: the length may have been taken in the middle of a line.
	if _, err := file.Seek(max(after-1, 0), io.SeekStart); err != nil {
		return nil, err
	}
	reader := bufio.NewReader(file)
	if after > 0 {
		if _, err := reader.ReadBytes('\n'); err != nil {
			return nil, ignoreEnd(err)
		}
	}
	var events []auditv1.Event
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil { // a line without its end is still being written
			return events, ignoreEnd(err)
		}
		if !bytes.Contains(line, []byte(name)) {
			continue
		}
		var event auditv1.Event
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, fmt.Errorf("%s: %w: %s", c.options.AuditLog, err, line)
		}
		events = append(events, event)
	}
}

func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
