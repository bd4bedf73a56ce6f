package controlplane

import (
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// handle is what another process needs in order to use a control plane that this process runs.
type handle struct {
	Host, Dir, Assets, AuditLog        string
	AuthorityCertificate, AuthorityKey []byte
	AdminCertificate, AdminKey         []byte
}

// Handle returns what Attach needs in another process on this machine. Its bearer may do everything in this control
// plane, so it goes from process to process and never into a file.
func (c *ControlPlane) Handle() ([]byte, error) {
	key, err := keyutil.MarshalPrivateKeyToPEM(c.authority.key)
	if err != nil {
		return nil, fmt.Errorf("encoding the authority's key: %w", err)
	}
	return json.Marshal(handle{
		Host: c.host, Dir: c.dir, Assets: c.assets, AuditLog: c.options.AuditLog,
		AuthorityCertificate: c.authority.bundle(), AuthorityKey: key,
		AdminCertificate: c.admin.certificate, AdminKey: c.admin.key,
	})
}

// Attach returns a control plane that another process has started and runs for as long as it is used here. Every method
// works but those that start a component: InstallCRDs. Stop leaves the control plane to its own process.
func Attach(handed []byte) (*ControlPlane, error) {
	var h handle
	if err := json.Unmarshal(handed, &h); err != nil {
		return nil, fmt.Errorf("attaching to a control plane: %w", err)
	}
	certificates, err := cert.ParseCertsPEM(h.AuthorityCertificate)
	if err != nil {
		return nil, fmt.Errorf("attaching to a control plane: reading its authority's certificate: %w", err)
	}
	parsed, err := keyutil.ParsePrivateKeyPEM(h.AuthorityKey)
	if err != nil {
		return nil, fmt.Errorf("attaching to a control plane: reading its authority's key: %w", err)
	}
	key, isECDSA := parsed.(*ecdsa.PrivateKey)
	if !isECDSA {
		return nil, fmt.Errorf("attaching to a control plane: its authority has a %T, not an ECDSA key", parsed)
	}
	c := &ControlPlane{
		options: Options{AuditLog: h.AuditLog}, assets: h.Assets, dir: h.Dir, host: h.Host, attached: true,
		authority: &authority{key: key, certificate: certificates[0]},
		admin:     keyPair{certificate: h.AdminCertificate, key: h.AdminKey},
	}
	c.client = sync.OnceValues(c.newClient)
	return c, nil
}

var errAttached = errors.New("this control plane runs in another process, which alone starts and stops its components")
