// Command evaluate prints which alerts were pending or fired over recorded scrapes, which it reads from its standard input, as
// JSON. The specs run it: promql is in a module of its own.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/kisi-operator/kisi-operator/hack/monitoring/alerts"
)

func main() {
	rules := flag.String("rules", "config/prometheus/rules/kisi-operator.yaml", "the rule file")
	options := alerts.Options{Divide: map[string]float64{}}
	flag.Float64Var(&options.Speed, "speed", 1, "how many times shorter every range and every for is")
	flag.Func("divide", "METRIC=N makes the values of a metric so many times smaller", func(text string) (err error) {
		metric, by, _ := strings.Cut(text, "=")
		options.Divide[metric], err = strconv.ParseFloat(by, 64)
		return err
	})
	flag.Parse()
	if err := run(*rules, options); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(rules string, options alerts.Options) error {
	groups, err := alerts.Load(rules)
	if err != nil {
		return err
	}
	scrapes, err := alerts.ReadScrapes(os.Stdin)
	if err != nil {
		return err
	}
	instances, err := alerts.Evaluate(groups, scrapes, options)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(instances)
}
