package table

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// decoded returns an export in UTF-8, without a byte order mark.
func decoded(content []byte, encoding Encoding) ([]byte, error) {
	switch {
	case bytes.HasPrefix(content, []byte("\xff\xfe")), bytes.HasPrefix(content, []byte("\xfe\xff")):
		if len(content)%2 != 0 {
			return nil, errors.New("is UTF-16 and ends within a character: it was cut off; nothing of it is used")
		}
		return unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Bytes(content)
	case bytes.HasPrefix(content, []byte("\xef\xbb\xbf")):
		content = content[3:]
	case encoding == Windows1252:
		return charmap.Windows1252.NewDecoder().Bytes(content)
	}
	if !utf8.Valid(content) {
		line := 1 + bytes.Count(content[:firstInvalid(content)], []byte("\n"))
		return nil, fmt.Errorf("is no UTF-8 in line %d: export it as UTF-8, or set encoding: Windows-1252", line)
	}
	return content, nil
}

// firstInvalid returns where the first byte is that is no UTF-8.
func firstInvalid(content []byte) int {
	for at := 0; at < len(content); {
		r, size := utf8.DecodeRune(content[at:])
		if r == utf8.RuneError && size <= 1 {
			return at
		}
		at += size
	}
	return len(content)
}
