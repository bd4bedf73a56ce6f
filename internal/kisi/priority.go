package kisi

import (
	"context"
)

// Priority orders the requests of one key owner.
type Priority int

// The priorities, most urgent first.
//
// Urgent and Revocation rank equal and take turns with each other. Of every ten turns given to the three below them,
// one goes to Background and one to Change if they wait, so that neither starves under a steady stream of grants; they
// can be held up by Probe, Urgent and Revocation only, which serve doors that are open or must close now.
const (
	Probe Priority = iota
	Urgent
	Revocation
	Grant
	Change
	Background
)

const priorities = int(Background) + 1

// String names the priority as metrics do.
func (p Priority) String() string {
	return [priorities]string{"Probe", "Urgent", "Revocation", "Grant", "Change", "Background"}[p.known()]
}

// known maps every number to a priority that exists.
func (p Priority) known() Priority { return min(max(p, Probe), Background) }

// rank is lower for the more urgent; Urgent and Revocation share one.
func (p Priority) rank() int {
	if p == Revocation {
		return int(Urgent)
	}
	return int(p)
}

// Class is what decides when a request gets its turn.
type Class struct {
	Priority Priority
	// Connection takes turns with the other connections of the same priority.
	Connection string
}

// WithClass sets the class of the calls made with the context outside a task. Without it they are Background.
func WithClass(ctx context.Context, class Class) context.Context {
	return context.WithValue(ctx, classKey{}, class)
}

type classKey struct{}

func classOf(ctx context.Context) Class {
	if class, ok := ctx.Value(classKey{}).(Class); ok {
		return class
	}
	return Class{Priority: Background}
}
