package text

import (
	"io"
	"strings"
	"unicode"
)

// Safe returns a writer that keeps names and texts of others from steering a terminal: control characters, those that turn the
// direction of writing, and those that end a line without being a line feed are replaced.
func Safe(out io.Writer) io.Writer { return safe{out} }

type safe struct{ out io.Writer }

func (s safe) Write(text []byte) (int, error) {
	if _, err := io.WriteString(s.out, Harmless(string(text))); err != nil {
		return 0, err
	}
	return len(text), nil
}

// Harmless replaces what Safe keeps out.
func Harmless(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), unicode.In(r, unicode.Zl, unicode.Zp):
			return '·'
		}
		return r
	}, text)
}
