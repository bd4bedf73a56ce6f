package operator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// namespacesOf is the value of the lease's label.
func namespacesOf(namespaces []string) string {
	if len(namespaces) == 0 {
		return "all"
	}
	digest := sha256.Sum256([]byte(strings.Join(slices.Compact(slices.Sorted(slices.Values(namespaces))), ",")))
	return hex.EncodeToString(digest[:16])
}

// standby says, once for each holder, that this replica does nothing because another one holds the lease.
type standby struct {
	reader     client.Reader
	lease      client.ObjectKey
	namespaces string
	elected    <-chan struct{}
	log        logr.Logger
}

// standbyEvery is how often the lease is looked at while another replica holds it.
const standbyEvery = 5 * time.Second

// NeedLeaderElection says that it runs in every replica.
func (s standby) NeedLeaderElection() bool { return false }

// Start looks at the lease until this replica holds it, or ctx ends.
func (s standby) Start(ctx context.Context) error {
	log := s.log.WithValues("lease", s.lease.String())
	ticker := time.NewTicker(standbyEvery)
	defer ticker.Stop()
	told := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.elected:
			log.Info("Acting: this replica holds the lease")
			return nil
		case <-ticker.C:
		}
		lease := &coordinationv1.Lease{}
		if err := s.reader.Get(ctx, s.lease, lease); err != nil {
			continue // whoever elects says so
		}
		if holder := ptr.Deref(lease.Spec.HolderIdentity, ""); holder != "" && holder != told {
			told = holder
			log.Info(standbyMessage(s.namespaces, lease.Labels[v1alpha1.NamespacesLabel]), "holder", holder)
		}
	}
}

// standbyMessage says what a replica waits for, and what to do if it is not meant to.
func standbyMessage(own, holders string) string {
	if holders != "" && holders != own {
		return "Standing by: another replica holds the lease and works in other namespaces (--namespaces), so nobody works in those of this one; " +
			"if they are two releases, give each a --leader-election-id of its own"
	}
	return "Standing by: another replica holds the lease, and this one does nothing until it is free"
}
