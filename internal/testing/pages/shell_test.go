//go:build unix

package pages_test

import (
	"context"
	"testing"

	"github.com/kisi-operator/kisi-operator/internal/testing/pages"
)

func TestShellKeepsVariablesAndTellsTheStatus(t *testing.T) {
	shell, err := pages.NewShell(t.TempDir(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	blocks := pages.Parse(page)
	if printed, status, err := shell.Run(t.Context(), blocks[0]); printed != "hello ana\n" || status != 0 || err != nil {
		t.Errorf("%q, %d, %v", printed, status, err)
	}
	if printed, status, err := shell.Run(t.Context(), blocks[1]); printed != "again ana\n" || status != 1 || err != nil {
		t.Errorf("%q, %d, %v", printed, status, err)
	}
	if err := shell.Start(t.Context(), blocks[2], func(text string) string { return text }); err != nil {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := shell.Run(ended, pages.Block{Commands: "sleep 60\n"}); err == nil {
		t.Error("a block went on after its time")
	}
	if err := shell.Close(); err != nil {
		t.Error(err)
	}
}
