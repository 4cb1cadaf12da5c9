package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// An event is what the publisher wants stored. Its id is the item's body too.
type event struct{ user, kind, id string }

// An answer is what every door gives back.
type answer struct {
	Version   int64 `json:"version,string"`
	Duplicate bool  `json:"duplicate"`
}

// A door is one way to publish.
type door interface {
	name() string
	// publish tries once. An error that refuses means that a repeat is of no
	// use.
	publish(ctx context.Context, e event) (answer, error)
}

// errRefused is wrapped by errors that a repeat does not mend.
var errRefused = errors.New("refused")

const (
	// attemptTimeout bounds one attempt at one door.
	attemptTimeout = 4 * time.Second
	// giveUpAfter is how long an event is tried. Below the window in which
	// ids are remembered.
	giveUpAfter = time.Minute
	// maxOpen bounds the publications under way; the publisher falls behind
	// its rate beyond it.
	maxOpen = 512
	// repeatOneIn is how many events there are to one that is sent again
	// after its answer.
	repeatOneIn = 20
	// maxRepeatDelay is how long after its answer.
	maxRepeatDelay = 3 * time.Second
)

// A publisher publishes at a rate, as a backend would: with ids, and again
// with the same id at the next door where there is no answer.
type publisher struct {
	// Static.
	doors []door
	users int
	book  *ledger
	slots chan struct{}

	work sync.WaitGroup

	mu sync.Mutex
	// Guarded by mu.
	byDoor     map[string]int
	retried    int
	unanswered int
}

func newPublisher(doors []door, users int, book *ledger) *publisher {
	return &publisher{
		doors: doors, users: users, book: book,
		slots: make(chan struct{}, maxOpen), byDoor: map[string]int{},
	}
}

// run publishes until ctx ends, then waits for the answers to what it began.
func (p *publisher) run(ctx context.Context, rate int, r *rand.Rand) {
	began := time.Now()
	for n := 0; ; n++ {
		due := began.Add(time.Duration(n) * time.Second / time.Duration(rate))
		if !pause(ctx, time.Until(due)) || !p.take(ctx) {
			break
		}
		e := event{user: userName(r.IntN(p.users)), kind: messages, id: fmt.Sprintf("e%07d", n)}
		if r.IntN(4) == 0 {
			e.kind = contacts
		}
		again := r.IntN(repeatOneIn) == 0
		p.work.Go(func() {
			defer func() { <-p.slots }()
			p.publish(context.WithoutCancel(ctx), e, n, again)
		})
	}
	p.work.Wait()
}

// take waits for a place among the publications under way.
func (p *publisher) take(ctx context.Context) bool {
	select {
	case p.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// publish has one event stored, beginning with the n-th door.
func (p *publisher) publish(ctx context.Context, e event, n int, again bool) {
	p.book.sending(e.id)
	begun := time.Now()
	a, attempts, err := p.insist(ctx, e, n)
	if err != nil {
		p.note(func() { p.unanswered++ })
		p.book.trouble("event %s of %s was not answered within %v: %v", e.id, e.user, giveUpAfter, err)
		return
	}
	p.book.answered(publication{
		user: e.user, kind: e.kind, id: e.id, version: a.Version,
		begun: begun, answered: time.Now(), attempts: attempts,
	})
	if attempts == 1 && a.Duplicate {
		p.book.trouble("the first attempt to publish %s was answered as a duplicate", e.id)
	}
	if again && pause(ctx, rand.N(maxRepeatDelay)) {
		p.repeat(ctx, e, n+attempts)
	}
}

// repeat sends an answered event again, at the next door.
func (p *publisher) repeat(ctx context.Context, e event, n int) {
	a, _, err := p.insist(ctx, e, n)
	if err != nil {
		p.book.trouble("the repeat of %s was not answered within %v: %v", e.id, giveUpAfter, err)
		return
	}
	p.book.repeated(repeat{id: e.id, version: a.Version, duplicate: a.Duplicate})
}

// insist tries one door after the other until there is an answer.
func (p *publisher) insist(ctx context.Context, e event, n int) (a answer, attempts int, err error) {
	ctx, cancel := context.WithTimeout(ctx, giveUpAfter)
	defer cancel()
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		d := p.doors[(n+attempts)%len(p.doors)]
		attempts++
		a, err = p.try(ctx, d, e)
		if err == nil {
			p.note(func() { p.byDoor[d.name()]++; p.retried += attempts - 1 })
			return a, attempts, nil
		}
		if errors.Is(err, errRefused) || !pause(ctx, wait/2+rand.N(wait)) {
			return answer{}, attempts, err
		}
	}
}

func (p *publisher) try(ctx context.Context, d door, e event) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	return d.publish(ctx, e)
}

func (p *publisher) note(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}
