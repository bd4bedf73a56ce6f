package controlplane

// PIDs returns the process ids of the running components.
func (c *ControlPlane) PIDs() []int {
	var pids []int
	for _, p := range []*process{c.etcd, c.apiServer, c.controllerManager} {
		if p != nil {
			pids = append(pids, p.cmd.Process.Pid)
		}
	}
	return pids
}

var RemoveAbandoned = removeAbandoned

const (
	DirectoryLock = directoryLock
	SettlingTime  = settlingTime
)
