package controlplane

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane/binaries"
)

// Kubectl runs kubectl as the administrator and returns what it printed. The error holds its complaint.
func (c *ControlPlane) Kubectl(ctx context.Context, args ...string) (string, error) {
	cmd, err := c.KubectlCommand(ctx, args...)
	if err != nil {
		return "", err
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// KubectlCommand prepares kubectl as the administrator, for a caller that connects its input and output. Kubectl's own
// configuration and cache in the home directory play no part. If need be, kubectl is built first.
func (c *ControlPlane) KubectlCommand(ctx context.Context, args ...string) (*exec.Cmd, error) {
	assets := c.assets
	if !c.attached { // else whoever started it has it built
		var err error
		if assets, err = binaries.Ensure(ctx, c.options.Progress, binaries.Kubectl); err != nil {
			return nil, err
		}
	}
	path, err := binaries.Path(assets, binaries.Kubectl)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(),
		"KUBECONFIG="+c.file(adminKubeconfigFile),
		"KUBECACHEDIR="+c.file("kubectl-cache"),
		"KUBERC=off",
	)
	return cmd, nil
}
