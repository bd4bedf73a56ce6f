package operator

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// Whatever is logged, as the operator is started without flags: it is one line of JSON each, and no Secret stands in it.
func FuzzLogLine(f *testing.F) {
	f.Add("member", "ana\n{\"level\":\"error\"}")
	f.Add("k\x1b[2J", "\u202e\u2028\u0085\xff")
	f.Add("", strings.Repeat("x", 5000))
	const secret = "s3cr3t-0123456789"
	f.Fuzz(func(t *testing.T, key, value string) {
		var out bytes.Buffer
		logger := Deferred(zap.New(zap.WriteTo(&out)))
		held := kisi.NewSecret(secret)
		logger.WithValues("key", held).WithName("member").Info("Granted access", "member", value, "k"+key, value, "secret", held)
		logger.Error(errors.New(value), "Failed", "secret", held)
		text := out.String()
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if len(lines) != 2 {
			t.Fatalf("%d lines: %q", len(lines), text)
		}
		for _, line := range lines {
			if !json.Valid([]byte(line)) || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' }) {
				t.Fatalf("%q", line)
			}
		}
		if strings.Contains(text, secret) && !strings.Contains(key+value, secret) {
			t.Fatalf("the secret stands in %q", text)
		}
	})
}
