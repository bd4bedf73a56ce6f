package audit

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Whatever an entry says: it is one line of JSON, which reads back as it was written, and without an address unless people are to
// be logged.
func FuzzEntry(f *testing.F) {
	f.Add("gym", "ana", "BookingGrant/b7", int64(9001), int64(1790000000), int64(12))
	f.Add("g\nym", "\x1b[2J\u2028", "\u202e\"}\n{", int64(-1), int64(253402300800), int64(-1))
	f.Add("\xff", strings.Repeat("x", 5000), "", int64(1<<53), int64(-62167219201), int64(0))
	f.Fuzz(func(t *testing.T, namespace, member, cause string, id, until, offset int64) {
		at := time.Unix(until, offset).UTC()
		entry := Entry{
			Time: time.Unix(1790000000, 0).UTC(), Action: Granted, Result: Done, Namespace: namespace, Member: member, MemberUID: types.UID(member),
			AssignmentID: v1alpha1.KisiID(id), ValidUntil: &at, Causes: [][]string{{cause, "KisiGroup/lab"}},
		}
		var out bytes.Buffer
		lost := 0
		log := To(&out)
		log.OnLost = func(entries int) { lost += entries }
		log.Record(entry)
		run(t, log)
		if year := at.Year(); year < 0 || year > 9999 { // the schema keeps such a window out of every ledger
			if lost != 1 || out.Len() > 0 {
				t.Fatalf("%d lost, %q", lost, out.String())
			}
			return
		}
		line := out.String()
		if lost != 0 || strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") || !utf8.ValidString(line) || strings.Contains(line, `"email"`) {
			t.Fatalf("%d lost, %q", lost, line)
		}
		var read Entry
		if err := json.Unmarshal([]byte(line), &read); err != nil {
			t.Fatal(err)
		}
		if valid := utf8.ValidString(namespace + member + cause); valid && !reflect.DeepEqual(read, entry) {
			t.Fatalf("%+v\n%+v", entry, read)
		}
	})
}
