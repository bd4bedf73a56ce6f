package e2e

import (
	"cmp"
	"os"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
	"github.com/kisi-operator/kisi-operator/internal/testing/pairs"
)

const (
	// pairsVariable names the environment variable that, set to "all", has every kind of Kisi tried: `make e2e-pairs`.
	pairsVariable = "KISI_OPERATOR_E2E_PAIRS"
	// fewKinds is how many kinds are tried otherwise: those that come first show most pairs.
	fewKinds = 4
)

// Two factors are no switches of the simulator: what suspends a person, and what Kisi answers when no seat is left.
const (
	suspending = "suspending"
	seats      = "seats"
)

// notInPairs are the switches of which the journey shows nothing.
var notInPairs = []string{
	"apiKeyCap", "apiKeyIdle", // the key stays the same, and in use
	"webhookSignature", "webhookDelivery", "webhookRetry", "webhookDisableAfter", // nothing listens
	"rateLimit", "retryAfter", // this Kisi has no limit
	"rangeHeader", // without it a list does not count as read, and nobody gets in
	"propagation", // 30 s for every door would be waited for
	"eventSets",   // without them outside changes are found at resyncInterval
}

// factorsOfKisi are those of which every two values meet.
func factorsOfKisi() []pairs.Factor {
	factors := []pairs.Factor{{Name: suspending, Values: []string{"Administrator", "Directory"}}, {Name: seats, Values: []string{"Free", "402", "422"}}}
	for _, info := range simulator.DefaultSwitches().Describe() {
		if !slices.Contains(notInPairs, info.Name) {
			factors = append(factors, pairs.Factor{Name: info.Name, Values: info.Values})
		}
	}
	return factors
}

// switchesOf returns the switches of a kind of Kisi, as name=value.
func switchesOf(kind pairs.Choice) (switches []string) {
	for _, f := range factorsOfKisi() {
		if f.Name != suspending && f.Name != seats {
			switches = append(switches, f.Name+"="+kind[f.Name])
		}
	}
	return switches
}

// inWords names a kind of Kisi by what is not the default.
func inWords(kind pairs.Choice) string {
	var differs []string
	for _, f := range factorsOfKisi() {
		if kind[f.Name] != f.Values[0] {
			differs = append(differs, f.Name+"="+kind[f.Name])
		}
	}
	return cmp.Or(strings.Join(differs, " "), "the most plausible one")
}

var _ = Describe("Whatever two things Kisi does in its own way", func() {
	kinds := pairs.Cover(factorsOfKisi())
	It("is tried with every other", func() {
		for _, name := range notInPairs {
			Expect(simulator.SwitchNames()).To(ContainElement(name), "a switch was renamed")
		}
		Expect(len(kinds)).To(And(BeNumerically(">=", fewKinds), BeNumerically("<=", 28)), "kinds of Kisi, half a minute each")
	})
	if os.Getenv(pairsVariable) != "all" {
		kinds = kinds[:min(fewKinds, len(kinds))]
	}
	for _, kind := range kinds {
		It("everybody gets in who should, and nobody else ever: "+inWords(kind), func(ctx SpecContext) {
			(&pairsJourney{kind: kind}).run(ctx)
		})
	}
})
