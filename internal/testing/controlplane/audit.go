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
	if c.options.AuditLog == "" {
		return nil, errors.New("this control plane was started without an audit log")
	}
	content, err := os.ReadFile(c.options.AuditLog)
	if err != nil {
		return nil, err
	}
	var events []auditv1.Event
	reader := bufio.NewReader(bytes.NewReader(content))
	for {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) { // a line without its end is still being written
			return events, nil
		}
		if err != nil {
			return nil, err
		}
		var event auditv1.Event
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, fmt.Errorf("%s, event %d: %w", c.options.AuditLog, len(events)+1, err)
		}
		events = append(events, event)
	}
}
