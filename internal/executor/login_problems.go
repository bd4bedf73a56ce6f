package executor

import (
	"sync"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// LoginProblem is why a login is not there: the reason and message of the condition LoginReady.
type LoginProblem struct{ Reason, Message string }

// LoginProblems remembers what went wrong with logins, by person and organization. It is kept in memory only: a restart
// tries again at once.
type LoginProblems struct {
	mu     sync.Mutex
	people map[string]map[v1alpha1.KisiID]LoginProblem
}

// Note remembers a problem of the person's login.
func (p *LoginProblems) Note(person string, organization v1alpha1.KisiID, problem LoginProblem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.people == nil {
		p.people = map[string]map[v1alpha1.KisiID]LoginProblem{}
	}
	if p.people[person] == nil {
		p.people[person] = map[v1alpha1.KisiID]LoginProblem{}
	}
	p.people[person][organization] = problem
}

// Settled forgets the problem of the person's login.
func (p *LoginProblems) Settled(person string, organization v1alpha1.KisiID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if delete(p.people[person], organization); len(p.people[person]) == 0 {
		delete(p.people, person)
	}
}

// Forget drops everything about a person.
func (p *LoginProblems) Forget(person string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.people, person)
}

// Of returns the problem of the person's login, if one is known.
func (p *LoginProblems) Of(person string, organization v1alpha1.KisiID) (LoginProblem, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	problem, known := p.people[person][organization]
	return problem, known
}
