package api_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// behaviours are the ids of what each system's sample has to show.
var behaviours = map[string][]string{
	"kangarootime": {"K1", "K2", "K3", "K4", "K5", "K6", "K7", "K8"},
	"spacebring":   {"S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11", "S12", "S13", "S14", "S15", "S16"},
	"officernd":    {"O1", "O2", "O3", "O4", "O5", "O6", "O7", "O8"},
	"optix":        {"P1", "P2", "P3", "P4", "P5", "P6"},
	"boogyman":     {"B1", "B2", "B3", "B4", "B5", "B6"},
}

var (
	behaviourRow = regexp.MustCompile(`(?m)^\| ([A-Z][0-9]+) \|`)
	fileName     = regexp.MustCompile("`([0-9]{2}-[a-z-]+\\.yaml)`")
)

var _ = Describe("The samples of", func() {
	for _, system := range append([]string{"quickstart"}, slices.Sorted(maps.Keys(behaviours))...) {
		It(system+" are accepted one by one, in whatever namespace", func(ctx context.Context) {
			files := filesBelow(sampleDir, system+"/*.yaml")
			Expect(files).NotTo(BeEmpty())
			named := map[string]string{}
			for _, file := range files {
				content, err := os.ReadFile(filepath.Join(sampleDir, file))
				Expect(err).NotTo(HaveOccurred())
				for _, object := range documents(content) {
					Expect(object.GetNamespace()).To(BeEmpty(), "%s: %s %s: whoever applies it says where", file, object.GetKind(), object.GetName())
					name := object.GetKind() + "/" + object.GetName()
					Expect(named).NotTo(HaveKey(name), "in %s, too", file)
					named[name] = file
					Expect(dryRun(ctx, object)).To(Succeed(), "%s: %s", file, name)
				}
			}
		})
	}

	for _, system := range slices.Sorted(maps.Keys(behaviours)) {
		It(system+" are explained: every behaviour, and every file", func() {
			page, err := os.ReadFile(filepath.Join(sampleDir, system, "README.md"))
			Expect(err).NotTo(HaveOccurred())
			Expect(firstGroups(behaviourRow, page)).To(Equal(behaviours[system]))
			Expect(slices.Compact(slices.Sorted(slices.Values(firstGroups(fileName, page))))).To(ConsistOf(filesBelow(filepath.Join(sampleDir, system), "*.yaml")))
		})
	}
})

// firstGroups returns what the first group of each match holds.
func firstGroups(pattern *regexp.Regexp, text []byte) []string {
	var found []string
	for _, match := range pattern.FindAllSubmatch(text, -1) {
		found = append(found, string(match[1]))
	}
	return found
}
