// Command kisi-operator keeps door access in Kisi exactly as Kubernetes objects declare it.
package main

import (
	"fmt"
	"os"

	ctrl "sigs.k8s.io/controller-runtime"
)

func main() {
	if err := newCommand().ExecuteContext(ctrl.SetupSignalHandler()); err != nil {
		fmt.Fprintln(os.Stderr, "kisi-operator:", err)
		os.Exit(1)
	}
}
