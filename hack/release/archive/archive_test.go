package archive_test

import (
	"archive/zip"
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/kisi-operator/kisi-operator/hack/release/archive"
)

// The others are looked at where a release is made for one platform of tests; Windows seldom is that.
func TestZipHoldsWhatItIsGiven(t *testing.T) {
	modified := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("elsewhere", 3600))
	files := []archive.File{{Name: "program.exe", Mode: 0o755, Content: []byte("run")}, {Name: "LICENSE", Mode: 0o644, Content: []byte("free")}}
	var first, second bytes.Buffer
	for _, out := range []*bytes.Buffer{&first, &second} {
		if err := archive.Zip(out, files, modified); err != nil {
			t.Fatal(err)
		}
		modified = modified.UTC()
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the archive depends on the time zone")
	}
	reader, err := zip.NewReader(bytes.NewReader(first.Bytes()), int64(first.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if len(reader.File) != len(files) {
		t.Fatalf("the archive holds %d files", len(reader.File))
	}
	for i, entry := range reader.File {
		content, err := entry.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(content)
		if err != nil || !bytes.Equal(text, files[i].Content) || entry.Name != files[i].Name || entry.Mode() != files[i].Mode || !entry.Modified.Equal(modified) {
			t.Errorf("%s of %s with mode %s says %q, %v", entry.Name, entry.Modified, entry.Mode(), text, err)
		}
	}
}
