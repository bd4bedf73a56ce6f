// Package archive writes archives that only depend on what is in them.
package archive

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"io"
	"io/fs"
	"path"
	"time"
)

// File is a file of an archive.
type File struct {
	Name    string
	Mode    fs.FileMode
	Content []byte
}

// TarGz writes files as a compressed tar archive, all of them root's and of one age.
func TarGz(w io.Writer, files []File, modified time.Time) error {
	zipper := gzip.NewWriter(w)
	if err := Tar(zipper, files, modified); err != nil {
		return err
	}
	return zipper.Close()
}

// Tar writes files as a tar archive, each after the directories above it.
func Tar(w io.Writer, files []File, modified time.Time) error {
	archive := tar.NewWriter(w)
	made := map[string]bool{".": true}
	for _, file := range files {
		if err := directories(archive, path.Dir(file.Name), modified, made); err != nil {
			return err
		}
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: file.Name, Mode: int64(file.Mode.Perm()), Size: int64(len(file.Content)),
			ModTime: modified, Format: tar.FormatPAX,
		}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(file.Content); err != nil {
			return err
		}
	}
	return archive.Close()
}

func directories(archive *tar.Writer, directory string, modified time.Time, made map[string]bool) error {
	if made[directory] {
		return nil
	}
	if err := directories(archive, path.Dir(directory), modified, made); err != nil {
		return err
	}
	made[directory] = true
	return archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: directory + "/", Mode: 0o755, ModTime: modified, Format: tar.FormatPAX})
}

// Zip writes files as a zip archive, all of one age.
func Zip(w io.Writer, files []File, modified time.Time) error {
	archive := zip.NewWriter(w)
	for _, file := range files {
		header := &zip.FileHeader{Name: file.Name, Method: zip.Deflate, Modified: modified.UTC()}
		header.SetMode(file.Mode)
		entry, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := entry.Write(file.Content); err != nil {
			return err
		}
	}
	return archive.Close()
}
