package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
	"github.com/kisi-operator/kisi-operator/internal/version"
)

type settings struct {
	listen            string
	seeds             []string
	switches          []string
	clock             string
	speed             float64
	requestsPerSecond float64
	logRequests       bool
}

func newCommand() *cobra.Command {
	var set settings
	cmd := &cobra.Command{
		Use:   "kisi-simulator",
		Short: "A Kisi organization on this machine, for tests and demonstrations",
		Long: `kisi-simulator answers Kisi's REST API from a seed file, decides at the door as
Kisi would, and remembers who could open what at any moment.

What Kisi's documentation leaves open is a named switch; what can go wrong on
the way to Kisi is a fault; time is the simulator's own clock. All of these can
be changed while it runs, under /_simulator/, which asks for no password: keep
it on the loopback interface.`,
		Example: `  # one organization, on http://127.0.0.1:8080
  kisi-simulator --seed hack/demo/organization.yaml

  # ask it something
  curl -H 'Authorization: KISI-LOGIN demo-owner-key' http://127.0.0.1:8080/users

  # a Kisi that refuses second rows and is ten days ahead
  kisi-simulator --seed organization.yaml --switch duplicates=AlwaysConflict --clock +240h`,
		Args:          cobra.NoArgs,
		Version:       version.String(),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), set, cmd.OutOrStdout()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&set.listen, "listen", "127.0.0.1:8080", "address to listen on; port 0 picks a free one")
	flags.StringArrayVar(&set.seeds, "seed", nil, "YAML file with organizations; may be given more than once")
	flags.StringArrayVar(&set.switches, "switch", nil, "name=value of a switch, over what seed files say; may be given more than once (see 'kisi-simulator switches')")
	flags.StringVar(&set.clock, "clock", "", "simulated time at the start: an RFC 3339 time, or +duration or -duration from now (default now)")
	flags.Float64Var(&set.speed, "clock-speed", 1, "how many times faster than real time the clock runs")
	flags.Float64Var(&set.requestsPerSecond, "requests-per-second", simulator.KisiRequestsPerSecond, "rate limit per user; 0 = unlimited")
	flags.BoolVar(&set.logRequests, "log-requests", false, "print a line for each request to Kisi's API")
	_ = cmd.MarkFlagFilename("seed", "yaml", "yml")
	_ = cmd.RegisterFlagCompletionFunc("switch", completeSwitch)
	cmd.AddCommand(newSwitchesCommand())
	return cmd
}

func newSwitchesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "switches",
		Short: "List the switches with their questions and values; the first value is the default",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			for _, s := range simulator.DefaultSwitches().Describe() {
				_, _ = fmt.Fprintf(table, "%s\t%s\n\t%s\n", s.Name, strings.Join(s.Values, " | "), s.Question)
			}
			return table.Flush()
		},
	}
}

func completeSwitch(_ *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	var choices []string
	for _, s := range simulator.DefaultSwitches().Describe() {
		for _, value := range s.Values {
			choices = append(choices, s.Name+"="+value)
		}
	}
	return choices, cobra.ShellCompDirectiveNoFileComp
}

func (set settings) server(out io.Writer) (*simulator.Server, error) {
	start, err := startTime(set.clock, time.Now())
	if err != nil {
		return nil, err
	}
	clock := simulator.NewClock(start)
	if err := clock.SetSpeed(set.speed); err != nil {
		return nil, fmt.Errorf("--clock-speed: %w", err)
	}
	options := simulator.Options{Clock: clock, RequestsPerSecond: set.requestsPerSecond}
	if set.requestsPerSecond < 0 {
		return nil, fmt.Errorf("--requests-per-second: %v is negative; 0 means unlimited", set.requestsPerSecond)
	}
	if set.requestsPerSecond == 0 {
		options.RequestsPerSecond = -1
	}
	if set.logRequests {
		var one sync.Mutex // requests are answered side by side
		options.OnRequest = func(r simulator.Request) {
			one.Lock()
			defer one.Unlock()
			_, _ = fmt.Fprintln(out, requestLine(r))
		}
	}
	server, err := simulator.New(options)
	if err != nil {
		return nil, err
	}
	for _, path := range set.seeds {
		document, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("--seed: %w", err)
		}
		if err := server.LoadSeed(document); err != nil {
			return nil, fmt.Errorf("--seed %s: %w", path, err)
		}
	}
	for _, assignment := range set.switches {
		name, value, found := strings.Cut(assignment, "=")
		if !found {
			return nil, fmt.Errorf("--switch %q: write name=value", assignment)
		}
		if err := server.SetSwitch(name, value); err != nil {
			return nil, fmt.Errorf("--switch: %w", err)
		}
	}
	return server, nil
}

func startTime(text string, now time.Time) (time.Time, error) {
	switch {
	case text == "":
		return now, nil
	case text[0] == '+' || text[0] == '-':
		by, err := time.ParseDuration(text)
		if err != nil {
			return now, fmt.Errorf("--clock %q: write a duration like +240h", text)
		}
		return now.Add(by), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return now, fmt.Errorf("--clock %q: write a time like 2026-12-01T12:00:00Z, or a duration like +240h", text)
	}
	return at, nil
}

func requestLine(r simulator.Request) string {
	target := r.Path
	if r.Query != "" {
		target += "?" + r.Query
	}
	status := strconv.Itoa(r.Status)
	if r.Dropped {
		status = "dropped"
	}
	line := fmt.Sprintf("%s %s %s %s", r.Time.Format(time.RFC3339), status, r.Method, target)
	if r.Fault != "" {
		line += " fault=" + r.Fault
	}
	return line
}

func run(ctx context.Context, set settings, out io.Writer) error {
	server, err := set.server(out)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", set.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	_, _ = fmt.Fprintf(out, "Kisi's API is at http://%s, the simulator's own at http://%s/_simulator/\n", listener.Addr(), listener.Addr())
	web := &http.Server{Handler: server, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() {
		// Faults may hold requests for long; they need not be waited for.
		_ = web.Close()
	})
	defer stop()
	defer func() { _ = server.Close() }()
	if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
