// Package limit keeps the revocation limit: the accounts from which revocations are paid, the approvals that free them, and
// what statuses say of what is held.
package limit
