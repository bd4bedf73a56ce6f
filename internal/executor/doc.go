// Package executor carries out one operation of a person's plan: intent, act, result. It writes the intent into the
// ledger, asks Kisi, and writes down what Kisi has answered, so that a crash at any point loses and doubles nothing.
//
//   - The ledger is behind an interface: the Member controller keeps it in the Member's status.
//   - Whether a request whose answer was lost was carried out is found out by looking, never by asking again.
//   - What did not work waits longer each time: see Backoffs.
package executor
