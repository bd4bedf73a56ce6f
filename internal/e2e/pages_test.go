//go:build unix

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/internal/testing/pages"
)

// updatePages names a variable that has the pages say what is printed (make docs).
const updatePages = "KISI_OPERATOR_UPDATE_PAGES"

// walk follows pages as a newcomer does, in a playground of their own, beside whatever else runs in this checkout.
type walk struct {
	shell              *pages.Shell
	toHere, fromHere   *strings.Replacer
	playground, update bool
}

var _ = Describe("The pages for newcomers", func() {
	It("say what happens: every command of theirs, one after the other, and what it prints", func(ctx SpecContext) {
		w := newWalk()
		for _, page := range []string{"docs/start.md", "docs/adapters.md", "docs/migrate.md"} {
			By(page)
			w.follow(ctx, page)
		}
	}, SpecTimeout(5*time.Minute))
})

// The Go code of the page is that of the adapter which its commands run.
var _ = Describe("The page about adapters", func() {
	It("shows the code of the adapter", func() {
		files, err := filepath.Glob(filepath.Join(root, "examples/adapter/*.go"))
		Expect(err).NotTo(HaveOccurred())
		var code strings.Builder
		for _, file := range files {
			content, err := os.ReadFile(file)
			Expect(err).NotTo(HaveOccurred())
			code.Write(content)
		}
		shown := goBlock.FindAllStringSubmatch(read("docs/adapters.md"), -1)
		Expect(shown).NotTo(BeEmpty())
		for _, block := range shown {
			Expect(code.String()).To(ContainSubstring(block[1]))
		}
	})
})

var goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")

func newWalk() *walk {
	GinkgoHelper()
	scratch := GinkgoT().TempDir()
	playground := filepath.Join(scratch, "playground")
	address := freeAddress()
	built(playground)
	w := &walk{
		toHere: strings.NewReplacer(
			"make playground", fmt.Sprintf("make playground ARGS='--directory=%s --listen=%s'", playground, address),
			"$PWD/bin/playground", playground,
			"127.0.0.1:8180", address,
			"/tmp/", scratch+"/"),
		fromHere: strings.NewReplacer(
			playground, "/home/ana/kisi-operator/bin/playground",
			root, "/home/ana/kisi-operator",
			address, "127.0.0.1:8180",
			scratch+"/", "/tmp/"),
		update: os.Getenv(updatePages) != "",
	}
	var err error
	w.shell, err = pages.NewShell(root, scratch, "TZ=UTC", "LC_ALL=C", "KUBERC=off", "KUBECACHEDIR="+filepath.Join(scratch, "cache"))
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(w.shell.Close()).To(Succeed()) })
	return w
}

// built puts the programs of this run where the playground builds its own, which has less to do then.
func built(directory string) {
	GinkgoHelper()
	Expect(os.MkdirAll(directory, 0o700)).To(Succeed())
	for _, program := range []string{"kisi-operator", "kubectl-kisi"} {
		content, err := os.ReadFile(filepath.Join(plane.Dir(), program))
		Expect(err).NotTo(HaveOccurred())
		Expect(os.WriteFile(filepath.Join(directory, program), content, 0o700)).To(Succeed())
	}
}

// follow runs the commands of a page, and compares or corrects what it says.
func (w *walk) follow(ctx context.Context, path string) {
	GinkgoHelper()
	page := read(path)
	blocks := pages.Parse(page)
	Expect(blocks).NotTo(BeEmpty())
	printed := map[int]string{}
	for i, block := range blocks {
		here := block
		here.Commands = w.toHere.Replace(block.Commands)
		if block.Background {
			if !w.playground { // every page begins with it, and it runs on
				w.playground = true
				Expect(w.shell.Start(ctx, here, w.fromHere.Replace)).To(Succeed(), path)
			}
			continue
		}
		text, status, err := w.shell.Run(ctx, here)
		Expect(err).NotTo(HaveOccurred(), path)
		if !block.Shows {
			Expect(status).To(Equal(0), "%s, line %d: %s%s", path, block.Line, block.Commands, text)
			continue
		}
		said := w.fromHere.Replace(text)
		if difference := block.Difference(said); difference != "" {
			Expect(w.update).To(BeTrue(), "%s, %s\n`make docs` writes it down.", path, difference)
			printed[i] = said
		}
	}
	if len(printed) > 0 {
		Expect(os.WriteFile(filepath.Join(root, path), []byte(pages.Rewrite(page, blocks, printed)), 0o600)).To(Succeed())
	}
}
