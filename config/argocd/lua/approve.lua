return annotate("approve-revocations-until", utc(require("os").time() + 3600))
