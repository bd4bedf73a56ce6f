package command

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// output is where and how a result is written.
type output struct {
	print *genericclioptions.PrintFlags
	out   io.Writer
}

// newOutput adds the flag -o to a command.
func newOutput(command *cobra.Command, out io.Writer, formats ...string) *output {
	o := &output{print: genericclioptions.NewPrintFlags(""), out: out}
	o.print.AddFlags(command)
	flag := command.Flags().Lookup("output")
	flag.Usage = fmt.Sprintf("Output format. One of: (%s).", strings.Join(append(formats, o.print.AllowedFormats()...), ", "))
	_ = command.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(append(formats, "json", "yaml", "name"), cobra.ShellCompDirectiveNoFileComp))
	return o
}

// format is what -o says.
func (o *output) format() string { return *o.print.OutputFormat }

// write writes a result as -o says: as text, or by the printers of kubectl. Names are those of the objects that it is about.
func (o *output) write(result runtime.Object, words func(wide bool), names ...runtime.Object) error {
	switch o.format() {
	case "", "wide":
		words(o.format() == "wide")
		return nil
	case "name":
		printer, err := o.print.ToPrinter()
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := printer.PrintObj(name, o.out); err != nil {
				return err
			}
		}
		return nil
	}
	printer, err := o.print.ToPrinter()
	if err != nil {
		return err
	}
	return printer.PrintObj(result, o.out)
}

// named is an object for -o name.
func named(kind, name string) runtime.Object {
	return &metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: kind},
		ObjectMeta: metav1.ObjectMeta{Name: name},
	}
}
