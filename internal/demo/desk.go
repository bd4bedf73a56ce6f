package demo

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/testing/process"
)

var deskAddress = regexp.MustCompile(`http://\S+/\?token=\S+`)

// startDesk opens the desk with the rights of a kubeconfig, and returns its address.
func (s *environment) startDesk(ctx context.Context, kubeconfig string) (address string, err error) {
	s.desk, err = process.Start(s.dir, filepath.Join(s.programs, "kubectl-kisi"), "desk", "--kubeconfig", kubeconfig)
	if err != nil {
		return "", err
	}
	err = until(ctx, time.Minute, "the desk to say where it is", func(context.Context) (bool, error) {
		select {
		case <-s.desk.Exited():
			return false, s.desk.Err()
		default:
		}
		said, err := os.ReadFile(s.desk.Log)
		address = string(deskAddress.Find(said))
		return address != "", err
	})
	return address, err
}
