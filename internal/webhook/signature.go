package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// signatureHeader carries the HMAC-SHA256 of the raw body.
const signatureHeader = "X-Signature"

// signed reports whether the header signs the body with the key. Kisi documents a hexadecimal code, in one place after
// sha256= and in another without; base64 is taken too, because no live call was seen.
func signed(body []byte, header string, key kisi.Secret) bool {
	if key.IsZero() {
		return false
	}
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write(body)
	want := mac.Sum(nil)
	code := strings.TrimPrefix(strings.TrimSpace(header), "sha256=")
	for _, decode := range []func(string) ([]byte, error){hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString} {
		if got, err := decode(code); err == nil && hmac.Equal(got, want) {
			return true
		}
	}
	return false
}
