// Command release makes everything that a release publishes. The same commit gives the same bits, wherever it is checked out.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var (
		o         options
		platforms string
	)
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.StringVar(&o.root, "root", ".", "root of the repository")
	flags.StringVar(&o.version, "version", "", "version to release, such as v0.1.0")
	flags.StringVar(&o.imageRepository, "image-repository", "", "address of the image, without tag; otherwise the one in the chart's values.yaml")
	flags.StringVar(&platforms, "platforms", "", "platforms to build for, such as linux/amd64,linux/arm64; otherwise all")
	flags.BoolVar(&o.allowDirty, "allow-dirty", false, "release what is not committed; nobody can make the same bits again")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if o.platforms, err = platformsIn(platforms); err != nil {
		return err
	}
	return makeRelease(ctx, o, out)
}
