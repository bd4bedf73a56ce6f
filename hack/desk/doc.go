// Package desk drives the pages of `kubectl kisi desk` in a real Chromium, on an API server in memory. It is a module of its own, so
// that what drives a browser is not among the operator's dependencies. Without Chromium its tests are skipped, and say so.
package desk
