package kisi

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

const redacted = "[redacted]"

// Secret is a value that every common way of printing, logging or encoding shows as "[redacted]".
// The zero value holds nothing.
//
// The value sits behind a function, because fmt reads unexported fields by reflection and would print a plain
// string however many formatting methods the type has.
type Secret struct {
	reveal func() string
}

// NewSecret wraps a value that must not be printed.
func NewSecret(value string) Secret {
	return Secret{reveal: func() string { return value }}
}

// Reveal returns the value itself. Its only lawful uses are the Authorization header and a Kubernetes Secret.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero reports whether there is no value.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Equal reports whether both hold the same value.
func (s Secret) Equal(other Secret) bool {
	return hmac.Equal([]byte(s.Reveal()), []byte(other.Reveal()))
}

// Fingerprint is a short hash, salted per process: two fingerprints of one process are equal if the values are, and
// a fingerprint in a log helps nobody to guess the value.
func (s Secret) Fingerprint() string {
	mac := hmac.New(sha256.New, fingerprintSalt)
	mac.Write([]byte(s.Reveal()))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

var fingerprintSalt = func() []byte {
	salt := make([]byte, sha256.Size)
	_, _ = rand.Read(salt) // crypto/rand.Read never returns an error
	return salt
}()

// String redacts.
func (Secret) String() string { return redacted }

// GoString redacts.
func (Secret) GoString() string { return redacted }

// Format redacts for every verb and flag.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalJSON redacts.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText redacts; YAML and XML encoders use it.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue redacts in log/slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalLog redacts in logr.
func (Secret) MarshalLog() any { return redacted }

// UnmarshalJSON takes a JSON string.
func (s *Secret) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return errors.New("the secret is not a JSON string") // the decoder's own error would quote it
	}
	*s = NewSecret(text)
	return nil
}

// APIKey is the secret of a Kisi login ("API key" and "login secret" are the same thing to Kisi). It redacts itself
// wherever it is printed.
type APIKey struct {
	Secret
}

// longestKey bounds a key in bytes: it is kept in memory for each connection and goes into a header.
const longestKey = 1024

// NewAPIKey reads a key as it comes out of a Kubernetes Secret. Surrounding whitespace is dropped, since editors and
// shells leave a newline; anything else that cannot stand in an HTTP header is refused. No error quotes the value.
func NewAPIKey(raw []byte) (APIKey, error) {
	value := strings.TrimSpace(string(raw))
	switch {
	case value == "":
		return APIKey{}, errors.New("the API key is empty")
	case len(value) > longestKey:
		return APIKey{}, fmt.Errorf("the API key has %d bytes, more than the %d of any that Kisi makes: copy the key alone", len(value), longestKey)
	}
	for i := range len(value) {
		switch c := value[i]; {
		case c == ' ' || (c >= '\t' && c <= '\r'):
			return APIKey{}, fmt.Errorf("the API key has whitespace inside, at byte %d: copy the key alone, without its name or the word KISI-LOGIN", i+1)
		case c < ' ' || c == 0x7f:
			return APIKey{}, fmt.Errorf("the API key has a control character, at byte %d: copy it again from Kisi", i+1)
		case c > 0x7f:
			return APIKey{}, fmt.Errorf("the API key has a character outside ASCII, at byte %d: copy it again from Kisi", i+1)
		}
	}
	return APIKey{Secret: NewSecret(value)}, nil
}
