package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/access"
	"github.com/kisi-operator/kisi-operator/internal/cli/health"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/cli/text"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

func statusCommand(s *Settings) *cobra.Command {
	var everywhere bool
	command := &cobra.Command{
		Use:   "status",
		Short: "Connections, queues, held revocations and problems, each with the next step",
		Example: `  kubectl kisi status
  kubectl kisi status -A
  kubectl kisi status -o wide   # and whom an approval would concern`,
		Args: cobra.NoArgs,
	}
	out := newOutput(command, s.Out, "wide")
	command.Flags().BoolVarP(&everywhere, "all-namespaces", "A", false, "look at every namespace that has objects of these kinds")
	command.RunE = func(command *cobra.Command, _ []string) error {
		reports, err := s.status(command.Context(), everywhere)
		if err != nil {
			return err
		}
		var names []runtime.Object
		for _, report := range reports {
			for _, p := range report.Problems {
				if kind, name, isObject := strings.Cut(p.Object, "/"); isObject {
					names = append(names, named(kind, name))
				}
			}
		}
		words := func(wide bool) {
			for i, report := range reports {
				if i > 0 {
					fmt.Fprintln(s.Out)
				}
				s.clock().Status(text.Safe(s.Out), report, wide)
			}
			if len(reports) == 0 {
				fmt.Fprintln(s.Out, "No namespace has a KisiConnection or any other object of these kinds.")
			}
		}
		if everywhere {
			list := &health.List{TypeMeta: metav1.TypeMeta{APIVersion: access.GroupVersion.String(), Kind: "StatusReportList"}, Items: reports}
			return out.write(list, words, names...)
		}
		return out.write(reports[0], words, names...)
	}
	return command
}

// status says how the namespace stands, or all that have objects.
func (s *Settings) status(ctx context.Context, everywhere bool) ([]*health.Report, error) {
	if !everywhere {
		in, err := s.read(ctx)
		if err != nil {
			return nil, err
		}
		return []*health.Report{health.Status(in, s.Now())}, nil
	}
	client, err := s.client()
	if err != nil {
		return nil, err
	}
	sets, err := client.ReadAll(ctx)
	if err != nil {
		return nil, err
	}
	reports := make([]*health.Report, 0, len(sets))
	for _, set := range sets {
		reports = append(reports, health.Status(set.Index(), s.Now()))
	}
	return reports, nil
}

func doctorCommand(s *Settings) *cobra.Command {
	command := &cobra.Command{
		Use:   "doctor",
		Short: "What is wrong with keys, roles, limits, restrictions and clocks, and the way out",
		Long: `Looks at the connections and what hangs on them: the key and its owner's role, complete
reads, the webhook, groups, limits of Kisi, logins, restrictions, throttling, and the
clock. What is wrong is told with the way out.

Exit status: 2 if anything is broken.`,
		Example: "  kubectl kisi doctor\n  kubectl kisi doctor -o wide   # what is fine, too",
		Args:    cobra.NoArgs,
	}
	out := newOutput(command, s.Out, "wide")
	command.RunE = func(command *cobra.Command, _ []string) error {
		in, err := s.read(command.Context())
		if err != nil {
			return err
		}
		examination := health.Examine(in, s.Now(), s.serverTime(command.Context()))
		if err := out.write(examination, func(wide bool) { s.clock().Doctor(text.Safe(s.Out), examination, wide) }); err != nil {
			return err
		}
		if examination.Worst() == health.Broken {
			return errors.New("something is broken; see the ways out above")
		}
		return nil
	}
	return command
}

// serverTime is the clock of the API server, zero if it does not say.
func (s *Settings) serverTime(ctx context.Context) time.Time {
	config, err := s.flags.ToRESTConfig()
	if err != nil {
		return time.Time{}
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return time.Time{}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(config.Host, "/")+"/version", nil)
	if err != nil {
		return time.Time{}
	}
	answer, err := client.Do(request)
	if err != nil {
		return time.Time{}
	}
	_ = answer.Body.Close()
	clock, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return clock
}

// longestApproval is as far ahead as the operator takes an approval.
const longestApproval = 24 * time.Hour

func approveCommand(s *Settings) *cobra.Command {
	var (
		lasts time.Duration
		yes   bool
	)
	command := &cobra.Command{
		Use:   "approve GROUP | KIND/NAME",
		Short: "Release what the revocation limit holds, after showing it",
		Long: `Shows who loses what if the held revocations of a group go, asks, and releases them for
a time: whatever else the limit would hold meanwhile goes, too.

The argument is the name of a KisiGroup, or kisiconnection/NAME or member/NAME. It
takes the right to patch that object, and where the cluster asks for it the verb
approve on its kind.`,
		Example: `  kubectl kisi approve members
  kubectl kisi approve members --for 15m --yes
  kubectl kisi approve kisiconnection/hq`,
		Args: cobra.ExactArgs(1),
	}
	command.Flags().DurationVar(&lasts, "for", time.Hour, "how long the approval lasts, at most 24h")
	command.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	command.ValidArgsFunction = s.complete(entitlement.KindKisiGroup)
	command.RunE = func(command *cobra.Command, args []string) error {
		if lasts <= 0 || lasts > longestApproval {
			return fmt.Errorf("--for %s: an approval lasts longer than nothing and at most 24h", lasts)
		}
		kind, name, err := target(args[0], entitlement.KindKisiGroup, entitlement.KindKisiGroup, entitlement.KindKisiConnection, entitlement.KindMember)
		if err != nil {
			return err
		}
		ctx := command.Context()
		in, err := s.read(ctx, entitlement.KindKisiGroup, entitlement.KindKisiConnection, entitlement.KindMember)
		if err != nil {
			return err
		}
		if err := in.Readable(kind); err != nil {
			return err
		}
		if in.Named(kind, name) == nil {
			return fmt.Errorf("there is no %s %q in namespace %s", kind, name, in.Namespace)
		}
		released := health.Released(in, kind, name)
		if len(released) == 0 {
			fmt.Fprintf(s.Out, "Nothing of %s %s is held; nothing was approved.\n", kind, name)
			return nil
		}
		for _, h := range released {
			s.clock().Held(text.Safe(s.Out), h)
			fmt.Fprintln(s.Out)
		}
		until := s.Now().Add(lasts).Truncate(time.Second)
		if !yes && !s.confirm(fmt.Sprintf("Revoke these, and whatever else is held until %s?", s.clock().Moment(until))) {
			return errors.New("nothing was approved")
		}
		if err := s.annotate(ctx, kind, name, v1alpha1.ApproveRevocationsUntilAnnotation, until.UTC().Format(time.RFC3339)); err != nil {
			return err
		}
		fmt.Fprintf(s.Out, "Approved for %s %s until %s.\n", kind, name, s.clock().Moment(until))
		return nil
	}
	return command
}

// confirm asks, and takes only a yes for one.
func (s *Settings) confirm(question string) bool {
	fmt.Fprintf(s.Out, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(s.In).ReadString('\n') // what cannot be read is no yes
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true
	}
	fmt.Fprintln(s.Out)
	return false
}

func (s *Settings) annotate(ctx context.Context, kind, name, annotation, value string) error {
	namespace, err := s.namespace()
	if err != nil {
		return err
	}
	client, err := s.client()
	if err != nil {
		return err
	}
	return client.Annotate(ctx, namespace, kind, name, annotation, value)
}

// target reads KIND/NAME, or NAME of the usual kind.
func target(argument, usual string, kinds ...string) (kind, name string, err error) {
	word, name, both := strings.Cut(argument, "/")
	if !both {
		if usual == "" {
			return "", "", fmt.Errorf("%q names no kind; write KIND/NAME, such as member/ana", argument)
		}
		return usual, argument, nil
	}
	word = strings.ToLower(word)
	for _, kind := range kinds {
		if word == strings.ToLower(kind) || word == objects.Resource(kind) || word == shortNames[kind] {
			return kind, name, nil
		}
	}
	return "", "", fmt.Errorf("%q is no kind that this works for; it works for %s", word, strings.ToLower(strings.Join(kinds, ", ")))
}

// shortNames are those of the CustomResourceDefinitions.
var shortNames = map[string]string{
	entitlement.KindKisiConnection: "kconn", entitlement.KindKisiGroup: "kgrp", entitlement.KindPlaceMapping: "pmap", entitlement.KindAccessPlan: "aplan",
	entitlement.KindAccessSubscription: "asub", entitlement.KindBookingGrant: "bgrant", entitlement.KindMember: "mbr",
}

func reinstateCommand(s *Settings) *cobra.Command {
	command := &cobra.Command{
		Use:   "reinstate MEMBER",
		Short: "Let a person in again whom somebody removed or suspended in Kisi",
		Long: `A person who was removed or suspended in Kisi is kept out, whatever the objects say. This
lets them in again. Ask whoever removed them first.`,
		Example: "  kubectl kisi reinstate ana",
		Args:    cobra.ExactArgs(1),
	}
	command.ValidArgsFunction = s.complete(entitlement.KindMember)
	command.RunE = func(command *cobra.Command, args []string) error {
		_, name, err := target(args[0], entitlement.KindMember, entitlement.KindMember)
		if err != nil {
			return err
		}
		if err := s.annotate(command.Context(), entitlement.KindMember, name, v1alpha1.ReinstateAnnotation, s.stamp()); err != nil {
			return err
		}
		fmt.Fprintf(s.Out, "Member %s is to be let in again; kubectl kisi access %s says when it is.\n", name, name)
		return nil
	}
	return command
}

// stamp is a value that an annotation has not had before.
func (s *Settings) stamp() string { return s.Now().UTC().Format(time.RFC3339Nano) }

func reconcileCommand(s *Settings) *cobra.Command {
	command := &cobra.Command{
		Use:     "reconcile KIND/NAME...",
		Short:   "Have the operator take a fresh look at objects",
		Example: "  kubectl kisi reconcile member/ana kisiconnection/hq",
		Args:    cobra.MinimumNArgs(1),
	}
	command.ValidArgsFunction = s.complete(objects.Kinds...)
	command.RunE = func(command *cobra.Command, args []string) error {
		for _, argument := range args {
			kind, name, err := target(argument, "", objects.Kinds...)
			if err != nil {
				return err
			}
			if err := s.annotate(command.Context(), kind, name, v1alpha1.ReconcileAtAnnotation, s.stamp()); err != nil {
				return err
			}
			fmt.Fprintf(s.Out, "%s/%s is looked at afresh.\n", strings.ToLower(kind), name)
		}
		return nil
	}
	return command
}
