package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// The page has a row for every flag, with its default, and none for what is no flag.
func TestThePageHasEveryFlag(t *testing.T) {
	page, err := os.ReadFile("../../docs/command-line.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{} // the default, by flag
	for _, row := range regexp.MustCompile(`(?m)^\| ((?:`+"`--[a-z-]+`"+`(?:, )?)+) \|([^|]*)\|`).FindAllStringSubmatch(string(page), -1) {
		defaults := strings.Split(strings.TrimSpace(row[2]), ", ")
		for i, flag := range strings.Split(row[1], ", ") {
			if _, again := rows[strings.Trim(flag, "`-")]; again {
				continue // another table, about its values
			}
			rows[strings.Trim(flag, "`-")] = strings.Trim(defaults[min(i, len(defaults)-1)], "`")
		}
	}
	said := map[string]string{"kubeconfig": "`KUBECONFIG`", "namespaces": "all", "leader-election-namespace": "the one it runs in", "integration-contact": "none", "zap-log-level": "info", "allowed-endpoint": "https://api.kisi.io"}
	var names []string
	newCommand().Flags().VisitAll(func(f *pflag.Flag) {
		if strings.HasPrefix(f.Name, "zap-") && f.Name != "zap-log-level" || f.Name == "help" || f.Name == "version" {
			return // the usual logging flags are one row
		}
		names = append(names, f.Name)
		is, present := rows[f.Name]
		want, inWords := said[f.Name]
		if !inWords {
			want = strings.Replace(f.DefValue, "168h0m0s", "168h", 1)
		}
		if !present || strings.Trim(is, "`") != strings.Trim(want, "`") {
			t.Errorf("--%s: the page says %q, the default is %q", f.Name, is, f.DefValue)
		}
	})
	for name := range rows {
		if !slices.Contains(names, name) {
			t.Errorf("the page has --%s, which is no flag", name)
		}
	}
}
