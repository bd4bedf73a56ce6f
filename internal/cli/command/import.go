package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/cluster"
	"github.com/kisi-operator/kisi-operator/internal/cli/migrate"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// taking is what the flags of import say.
type taking struct {
	keyFile, secret, connection, endpoint, folder string
	rate                                          float64
	overwrite                                     bool
}

func importCommand(s *Settings) *cobra.Command {
	var t taking
	command := &cobra.Command{
		Use:   "import -d FOLDER",
		Short: "Write the objects for what a Kisi organization has, ready for Git",
		Long: `Reads the groups, places, doors and people of a Kisi organization and writes objects that
give everybody what they have, with a README that says how to take over so that nobody
loses access: Observe, then Shared, then Exclusive.

The API key comes from a file, or from a Secret of the cluster; it is never given on the
command line. Nothing is written to Kisi or to the cluster. The files hold people's
addresses: keep them where personal data may be.`,
		Example: `  kubectl kisi import -d access/ --key-file key.txt
  kubectl kisi import -d access/ --secret kisi:apiKey
  pass kisi/key | kubectl kisi import -d access/ --key-file -`,
		Args: cobra.NoArgs,
	}
	flags := command.Flags()
	flags.StringVarP(&t.folder, "directory", "d", "", "folder to write to")
	flags.StringVar(&t.keyFile, "key-file", "", "file that holds the API key, or - for standard input")
	flags.StringVar(&t.secret, "secret", "", "Secret of the namespace that holds the API key, as NAME or NAME:KEY")
	flags.StringVar(&t.connection, "connection", "default", "name of the KisiConnection that is written")
	flags.StringVar(&t.endpoint, "endpoint", v1alpha1.DefaultEndpoint, "origin of Kisi's API")
	flags.Float64Var(&t.rate, "requests-per-second", 5, "most requests a second to Kisi")
	flags.BoolVar(&t.overwrite, "overwrite", false, "replace files that are there")
	command.RunE = func(command *cobra.Command, _ []string) error { return t.run(command.Context(), s) }
	return command
}

func (t taking) run(ctx context.Context, s *Settings) error {
	if t.folder == "" {
		return errors.New("give -d, the folder to write to")
	}
	name, entry, _ := strings.Cut(t.secret, ":")
	if entry == "" {
		entry = "apiKey"
	}
	key, err := t.key(ctx, s, name, entry)
	if err != nil {
		return err
	}
	queue := kisi.NewQueue(kisi.QueueOptions{RequestsPerSecond: t.rate})
	defer queue.Close()
	client, err := kisi.NewClient(kisi.Config{Endpoint: t.endpoint, Key: key, Queue: queue, UserAgent: "kubectl-kisi/" + s.Version, IntegrationIdentifier: "kisi-operator"})
	if err != nil {
		return err
	}
	fmt.Fprintln(s.ErrOut, "Reading; a large organization takes minutes ...")
	organization, err := migrate.Read(ctx, client)
	if err != nil {
		return err
	}
	if name == "" {
		name = "kisi"
	}
	result := migrate.Objects(ctx, organization, migrate.Settings{Connection: t.connection, Secret: name, SecretKey: entry, Endpoint: t.endpoint, Now: s.Now()})
	files, err := result.Files()
	if err != nil {
		return err
	}
	if err := migrate.Write(t.folder, files, t.overwrite); err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "Wrote %d groups, %d places and %d people of %s to %s; its README.md says how to go on.\n",
		len(result.Groups), len(result.Places), len(result.Members), organization.Organization.Name, t.folder)
	if len(result.LeftOut) > 0 {
		fmt.Fprintf(s.Out, "%d things were left out; README.md says which, and why.\n", len(result.LeftOut))
	}
	return nil
}

// key reads the API key from a file or from a Secret.
func (t taking) key(ctx context.Context, s *Settings, secret, entry string) (kisi.APIKey, error) {
	if (t.keyFile == "") == (secret == "") {
		return kisi.APIKey{}, errors.New("give either --key-file or --secret, which hold the API key")
	}
	if secret == "" {
		return keyFrom(s.In, t.keyFile)
	}
	namespace, err := s.namespace()
	if err != nil {
		return kisi.APIKey{}, err
	}
	config, err := s.flags.ToRESTConfig()
	if err != nil {
		return kisi.APIKey{}, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	raw, err := cluster.SecretValue(ctx, config, namespace, secret, entry)
	if err != nil {
		return kisi.APIKey{}, err
	}
	return kisi.NewAPIKey(raw)
}

func keyFrom(in io.Reader, file string) (kisi.APIKey, error) {
	var (
		raw []byte
		err error
	)
	if file == "-" {
		raw, err = io.ReadAll(io.LimitReader(in, 1<<16))
	} else {
		raw, err = os.ReadFile(file)
	}
	if err != nil {
		return kisi.APIKey{}, fmt.Errorf("reading the API key: %w", err)
	}
	return kisi.NewAPIKey(raw)
}
