package main

import (
	"testing"

	"github.com/kisi-operator/kisi-operator/internal/testing/pages"
)

func TestThePageHasEveryFlag(t *testing.T) {
	pages.CheckFlags(t, "../../docs/simulator.md", newCommand().Flags())
}
