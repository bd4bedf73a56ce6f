// Command reference writes the pages that are made of the code: docs/troubleshooting.md, and what lies in docs/reference.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kisi-operator/kisi-operator/internal/reason"
)

func main() {
	docs := flag.String("docs", "docs", "directory that the pages are written into")
	flag.Parse()
	for name, page := range map[string]func() string{
		"troubleshooting.md":       reason.Markdown,
		"reference/annotations.md": metadataMarkdown,
		"reference/events.md":      eventsMarkdown,
	} {
		path := filepath.Join(*docs, name)
		err := os.MkdirAll(filepath.Dir(path), 0o750)
		if err == nil {
			err = os.WriteFile(path, []byte(page()), 0o600)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "reference:", err)
			os.Exit(1)
		}
	}
}
