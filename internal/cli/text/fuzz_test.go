package text

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// Whatever others call people and things: nothing of it steers a terminal, turns the direction of writing or makes a line, in
// whatever pieces it is written.
func FuzzSafe(f *testing.F) {
	for _, text := range []string{"Ana\n", "\x1b[2J\x1b]0;x\x07", "\u202egnp.exe", "\u2066a\u2069", "\u061c\u200f", "\u2028\u2029", "\u009b2J", "\xff\xfe", "a\r\nb\tc", "👩‍👧 é"} {
		f.Add([]byte(text), uint8(1))
		f.Add([]byte(text), uint8(7))
	}
	f.Fuzz(func(t *testing.T, text []byte, piece uint8) {
		var out bytes.Buffer
		w := Safe(&out)
		for rest := text; len(rest) > 0; {
			n := min(len(rest), int(piece)+1)
			for n < len(rest) && !utf8.RuneStart(rest[n]) { // as fmt writes: whole runes
				n++
			}
			if written, err := w.Write(rest[:n]); err != nil || written != n {
				t.Fatal(written, err)
			}
			rest = rest[n:]
		}
		got := out.String()
		if !utf8.ValidString(got) || strings.Count(got, "\n") != bytes.Count(text, []byte("\n")) {
			t.Fatalf("%q became %q", text, got)
		}
		if i := strings.IndexFunc(got, func(r rune) bool {
			return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029')
		}); i >= 0 {
			t.Fatalf("byte %d of %q", i, got)
		}
		if again := new(bytes.Buffer); true {
			if _, err := Safe(again).Write([]byte(got)); err != nil || again.String() != got {
				t.Fatalf("what is safe is changed: %q", again)
			}
		}
	})
}

// Whatever the instants and the zone: a time is written on one line, and today is only said of today.
func FuzzMoment(f *testing.F) {
	for _, zone := range []int{0, 2 * 3600, -12 * 3600, 14 * 3600, 5*3600 + 1800, 59} {
		f.Add(int64(1_790_000_000), int64(1_790_003_600), zone)
		f.Add(int64(253402300799), int64(-62135596800), zone)
	}
	f.Fuzz(func(t *testing.T, now, at int64, offset int) {
		const years = 300 * 365 * 24 * 3600 * 30 // about as far as an API server stores
		if max(now, -now) > years || max(at, -at) > years || max(offset, -offset) > 18*3600 {
			t.Skip("no time that can be stored")
		}
		clock := Clock{Now: time.Unix(now, 0), Zone: time.FixedZone("", offset)}
		moment := clock.Moment(time.Unix(at, 0))
		y1, m1, d1 := clock.Now.In(clock.Zone).Date()
		y2, m2, d2 := time.Unix(at, 0).In(clock.Zone).Date()
		if today := y1 == y2 && m1 == m2 && d1 == d2; strings.HasSuffix(moment, " today") != today {
			t.Fatalf("%s at %s", moment, clock.Header(clock.Now))
		}
		for _, text := range []string{moment, clock.Header(time.Unix(at, 0)), clock.ZoneName(time.Unix(at, 0))} {
			if text == "" || len(text) > 80 || strings.ContainsAny(text, "\n\r") {
				t.Fatalf("%q", text)
			}
		}
	})
}
