package image

import (
	"bytes"
	"encoding/pem"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// RootsModule is the Go module that the certificate authorities come from.
const RootsModule = "golang.org/x/crypto/x509roots/fallback"

// roots returns the certificate authorities that Mozilla trusts, as a file of /etc/ssl/certs. Those that it trusts with a
// condition are left out, as the file cannot say it.
func roots() ([]byte, error) {
	var file bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		if err := pem.Encode(&file, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return nil, err
		}
	}
	return file.Bytes(), nil
}
