package entitlement_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain asks for thousands of random worlds, unless -rapid.checks says otherwise: one holds only a few objects.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "3000"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}
