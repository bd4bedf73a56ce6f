package operator

import (
	"errors"
	"slices"
	"testing"

	"github.com/go-logr/logr/funcr"
)

// encoded counts how often it is written.
type encoded struct{ times *int }

func (e encoded) MarshalLog() any { *e.times++; return "encoded" }

func TestValuesAreEncodedForTheLinesThatAreWrittenAndNoOthers(t *testing.T) {
	var lines, wanted []string
	to := func(lines *[]string) func(string) { return func(line string) { *lines = append(*lines, line) } }
	times := 0
	value := encoded{&times}
	logger := Deferred(funcr.NewJSON(to(&lines), funcr.Options{}))
	reference := funcr.NewJSON(to(&wanted), funcr.Options{})

	one := logger.WithName("a").WithValues("member", value).WithName("b")
	other := one.WithValues("more", 1)
	one.V(1).Info("nobody wants to know")
	if times > 0 || len(lines) > 0 {
		t.Fatalf("encoded %d times for %d lines", times, len(lines))
	}
	other.Info("said", "now", true)
	one.Error(errors.New("broken"), "failed")
	if times != 2 {
		t.Errorf("encoded %d times for two lines", times)
	}
	same := reference.WithName("a").WithValues("member", value).WithName("b")
	same.WithValues("more", 1).Info("said", "now", true)
	same.Error(errors.New("broken"), "failed")
	if !slices.Equal(lines, wanted) {
		t.Errorf("%q\nnot %q", lines, wanted)
	}
}
