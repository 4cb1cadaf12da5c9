package push

import (
	"context"
	"sync"
)

// Rotating is a Checker whose credential can be replaced while messages are
// under way: they end with the one that they began with.
type Rotating struct {
	mu      sync.Mutex
	current *generation
}

// generation is a Checker between two replacements.
type generation struct {
	// Static after construction.
	checker Checker
	end     func()

	// Guarded by Rotating.mu.
	users   int
	retired bool
}

var _ Checker = (*Rotating)(nil)

// NewRotating begins with c. end is called once, when c was replaced, or Close
// called, and its last message has ended.
func NewRotating(c Checker, end func()) *Rotating {
	return &Rotating{current: &generation{checker: c, end: end}}
}

// Provider returns what a Worker is given: it is Limited where the first Checker
// was.
func (r *Rotating) Provider() Checker {
	if l, ok := r.current.checker.(Limited); ok {
		return limited{r, l.PerSecond()}
	}
	return r
}

// limited is a Rotating with a bound that no rotation changes.
type limited struct {
	*Rotating
	perSecond float64
}

var _ Limited = limited{}

// PerSecond implements Limited.
func (l limited) PerSecond() float64 { return l.perSecond }

// Replace has messages from now on go through c.
func (r *Rotating) Replace(c Checker, end func()) { r.put(&generation{checker: c, end: end}) }

// Close ends it. Messages that are sent afterwards go the old way and fail.
func (r *Rotating) Close() { r.put(nil) }

// put retires the current generation; nil leaves it in place.
func (r *Rotating) put(next *generation) {
	r.mu.Lock()
	old := r.current
	if next != nil {
		r.current = next
	}
	over := !old.retired && old.users == 0
	old.retired = true
	r.mu.Unlock()
	if over {
		old.end()
	}
}

func (r *Rotating) enter() *generation {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.current.users++
	return r.current
}

func (r *Rotating) leave(g *generation) {
	r.mu.Lock()
	g.users--
	over := g.retired && g.users == 0
	r.mu.Unlock()
	if over {
		g.end()
	}
}

// Send implements Provider.
func (r *Rotating) Send(ctx context.Context, m Message) Result {
	g := r.enter()
	defer r.leave(g)
	return g.checker.Send(ctx, m)
}

// Check implements Checker.
func (r *Rotating) Check(ctx context.Context) Diagnosis {
	g := r.enter()
	defer r.leave(g)
	return g.checker.Check(ctx)
}

// Explain implements Checker.
func (r *Rotating) Explain(result Result) Diagnosis {
	g := r.enter()
	defer r.leave(g)
	return g.checker.Explain(result)
}
