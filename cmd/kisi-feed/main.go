// Command kisi-feed keeps objects in step with what a business system exports, such as the bookings in a room's calendar.
package main

import (
	"fmt"
	"os"

	ctrl "sigs.k8s.io/controller-runtime"
)

func main() {
	if err := newCommand().ExecuteContext(ctrl.SetupSignalHandler()); err != nil {
		fmt.Fprintln(os.Stderr, "kisi-feed:", err)
		os.Exit(1)
	}
}
