return annotate("reconcile-at", utc(require("os").time()))
