package pages_test

import (
	"testing"

	"github.com/kisi-operator/kisi-operator/internal/testing/pages"
)

const page = "# A page\n" +
	"```sh\nwho=ana; echo \"hello $who\"\n```\n\n```text\nhello ana\n```\n" +
	"```yaml\nkind: Text\n```\n```text\nthis follows no command\n```\n" +
	"1. A list:\n\n   ```sh\n   cat <<EOF\n   again $who\n   EOF\n   false\n   ```\n" +
	"```sh background\necho started; sleep 60\n```\n```text\nstarted\n```\n"

func TestParseFindsCommandsAndWhatTheyPrint(t *testing.T) {
	blocks := pages.Parse(page)
	if len(blocks) != 3 {
		t.Fatalf("%d blocks: %+v", len(blocks), blocks)
	}
	if b := blocks[0]; b.Line != 3 || !b.Shows || b.Said != "hello ana\n" || b.Background {
		t.Errorf("the first block is %+v", b)
	}
	if b := blocks[1]; b.Shows || b.Commands != "cat <<EOF\nagain $who\nEOF\nfalse\n" {
		t.Errorf("the second block is %+v", b)
	}
	if b := blocks[2]; !b.Background || b.Said != "started\n" {
		t.Errorf("the third block is %+v", b)
	}
}

func TestRewriteChangesWhatIsSaidAndNothingElse(t *testing.T) {
	blocks := pages.Parse("a\n```sh\nx\n```\n```text\nold\n```\nb\n")
	if got := pages.Rewrite("a\n```sh\nx\n```\n```text\nold\n```\nb\n", blocks, map[int]string{0: "new\n"}); got != "a\n```sh\nx\n```\n```text\nnew\n```\nb\n" {
		t.Errorf("%q", got)
	}
	if got := pages.Rewrite(page, pages.Parse(page), nil); got != page {
		t.Errorf("with nothing to change the page became %q", got)
	}
}

func TestComparisonForgivesTimesAndAgesOnly(t *testing.T) {
	said := pages.Block{Shows: true, Said: "NAME   READY   AGE\nana    True    12s\nat 2026-11-27T18:10:07Z, until 00:29 tomorrow\n"}
	if difference := said.Difference("NAME   READY   AGE\nana    True    3m2s\nat 2027-01-02T03:04:05Z, until 00:30 tomorrow\n"); difference != "" {
		t.Error(difference)
	}
	for _, other := range []string{"NAME   READY   AGE\nana    False    12s\nat 2026-11-27T18:10:07Z, until 00:29 tomorrow\n", ""} {
		if said.Difference(other) == "" {
			t.Errorf("no difference from %q", other)
		}
	}
	if difference := (pages.Block{}).Difference("anything"); difference != "" {
		t.Error("a block that shows nothing differs: " + difference)
	}
}
