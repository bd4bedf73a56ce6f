package text

import (
	"io"
	"strings"
	"unicode"
)

// Safe returns a writer that keeps names and texts of others from steering a terminal: control characters, and those that turn
// the direction of writing, are replaced.
func Safe(out io.Writer) io.Writer { return safe{out} }

type safe struct{ out io.Writer }

func (s safe) Write(text []byte) (int, error) {
	harmless := strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return r
		case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\u200e', r == '\u200f':
			return '·'
		}
		return r
	}, string(text))
	if _, err := io.WriteString(s.out, harmless); err != nil {
		return 0, err
	}
	return len(text), nil
}
