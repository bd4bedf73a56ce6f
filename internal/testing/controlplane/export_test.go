package controlplane

import "github.com/kisi-operator/kisi-operator/internal/testing/process"

// PIDs returns the process ids of the running components.
func (c *ControlPlane) PIDs() []int {
	var pids []int
	for _, p := range []*process.Process{c.etcd, c.apiServer, c.controllerManager} {
		if p != nil {
			pids = append(pids, p.PID())
		}
	}
	return pids
}

var RemoveAbandoned = removeAbandoned

const (
	DirectoryLock = directoryLock
	SettlingTime  = settlingTime
)
