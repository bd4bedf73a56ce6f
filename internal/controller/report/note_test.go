package report

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// recorded is the note of the last Event.
type recorded struct{ note string }

func (r *recorded) Eventf(_, _ runtime.Object, _, _, _, note string, args ...any) {
	r.note = fmt.Sprintf(note, args...)
}

// Whatever a note quotes, the API server takes the Event.
func FuzzNote(f *testing.F) {
	for _, name := range []string{"Lab", "100 %s", strings.Repeat("é", 1<<10), "\x1b[2J\u202e\u2028", "\xff", strings.Repeat("\xfe", 600), strings.Repeat("x", 1<<20)} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		r := &recorded{}
		Say(r, &v1alpha1.KisiGroup{}, TookOver, "Reconcile", "the group is called "+name)
		if len(r.note) > longestNote || !utf8.ValidString(r.note) || strings.ContainsFunc(r.note, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("a note of %d bytes: %.300q", len(r.note), r.note)
		}
		if !strings.HasPrefix(r.note, "the group is called ") {
			t.Fatalf("%q", r.note)
		}
	})
}
