// Package simulator is a Kisi organization in one process: it answers Kisi's
// REST API, decides at the door as Kisi would, and remembers who could open
// what at any moment.
//
// What Kisi's documentation leaves open is never guessed silently: each open
// question is a named switch (see [Switches]) whose default is the most
// plausible answer. What can go wrong on the way to Kisi is a [Fault]. Time is
// the simulator's own [Clock].
//
// The package is meant for authors of adapters and for the operator's own
// tests. It imports neither the operator nor its Kisi client, so that an error
// in the client cannot hide behind the same error here.
package simulator
