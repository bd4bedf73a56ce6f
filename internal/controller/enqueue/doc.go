// Package enqueue asks for reconciles: by watches, which map a change to those whom it concerns, and by what is not a watch,
// such as an answer from Kisi.
package enqueue
