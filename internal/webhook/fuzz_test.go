package webhook

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

// Whatever is sent to whatever path under whatever signature: nothing is delivered but what the key of that path's connection
// signs, of its organization, and no more than one call may bring; and the answer says nothing but its status in words.
func FuzzCall(f *testing.F) {
	for _, body := range []string{
		event, `[]`, `[` + event + `,` + event + `]`, `null`, `7`, `{`, "\xff", `{"organization_id":1}`, `[` + strings.Repeat(`0,`, maxEvents) + `0]`,
		`{"uuid":"` + strings.Repeat("x", maxBody) + `"}`, `{"uuid":"\u001b[2J","object_id":9007199254740992}`,
	} {
		for sign := range uint8(5) {
			f.Add("/kisi/gym/a", []byte(body), "sha256=00", sign)
		}
	}
	f.Add("//kisi/./gym/b/..", []byte(event), "", uint8(0))
	f.Add("/kisi/gym/b", []byte(event), "sha256=\r\n", uint8(3))
	f.Fuzz(func(t *testing.T, path string, body []byte, signature string, sign uint8) {
		if !strings.HasPrefix(path, "/") || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r > '~' || r == '?' || r == '#' || r == '%' }) {
			t.Skip("no path of a request")
		}
		s, delivered := served()
		told := Result("")
		s.OnCall = func(_ types.NamespacedName, result Result) { told = result }
		keys := map[string]string{"/kisi/gym/a": "key-a", "/kisi/gym/b": "key-b"}
		sum := code(string(body), "key-a")
		switch sign % 5 {
		case 1:
			signature = hex.EncodeToString(sum)
		case 2:
			signature = "sha256=" + base64.StdEncoding.EncodeToString(sum)
		case 3:
			signature = hex.EncodeToString(code(string(body), "key-b"))
		case 4:
			signature = hex.EncodeToString(sum[:len(sum)-1])
		}
		request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(string(body)))
		request.Header["X-Signature"] = []string{signature}
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, request)

		right := spells(signature, code(string(body), keys["/kisi/gym/a"])) && strings.HasSuffix(path, "a") ||
			spells(signature, code(string(body), keys["/kisi/gym/b"])) && !strings.HasSuffix(path, "a")
		if (told == Accepted) != (answer.Code == http.StatusOK) {
			t.Fatalf("answered %d, told %q", answer.Code, told)
		}
		if told == Accepted && !right {
			t.Fatalf("a call to %q was accepted with the signature %q", path, signature)
		}
		if len(*delivered) > 0 && told != Accepted || len(*delivered) > maxEvents {
			t.Fatalf("%d events of a call that was %s", len(*delivered), told)
		}
		for _, event := range *delivered {
			if event.OrganizationID != 0 && event.OrganizationID != 3289 {
				t.Fatalf("an event of organization %d", event.OrganizationID)
			}
		}
		if said := answer.Body.String(); len(said) > 100 || strings.Contains(said, "key-") || !slices.Contains([]int{200, 400, 401, 413, 503}, answer.Code) {
			t.Fatalf("answered %d %q", answer.Code, said)
		}
	})
}

// spells reports whether a header is a spelling of a code.
func spells(header string, sum []byte) bool {
	header = strings.TrimPrefix(strings.TrimSpace(header), "sha256=")
	unbroken := strings.NewReplacer("\r", "", "\n", "").Replace(header) // which base64 may have
	return strings.EqualFold(header, hex.EncodeToString(sum)) || strings.TrimRight(unbroken, "=") == base64.RawStdEncoding.EncodeToString(sum)
}
