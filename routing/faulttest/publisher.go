package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
)

// An event is what the publisher wants stored.
type event struct {
	owner
	kind, id, urgency string
}

// key names the event in the whole run, and is its item too: whoever is
// handed it shows whose it was.
func (e event) key() string { return prefixOf(e.owner, e.kind) + e.id }

// prefixOf is how the keys of a user's kind begin.
func prefixOf(o owner, kind string) string { return o.tenant + "/" + o.user + "/" + kind + "/" }

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
	giveUpAfter = 110 * time.Second
	// maxOpen bounds the publications under way, of each of the two loads; a
	// publisher falls behind its rate beyond it. While one door of three is
	// silent, 500 events a second hold 667 places for attemptTimeout.
	maxOpen = 1024
	// mayCatchUp is how far a publisher that fell behind makes up for it. What
	// is more it leaves out: all that a fault held up, at once and as fast as
	// the machine goes, would be another load than the one that a run is about.
	mayCatchUp = 200 * time.Millisecond
	// routerAttempt is below what a router waits for one answer of NATS.
	routerAttempt = time.Second
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
	doors map[string][]door // by tenant
	users int
	book  *ledger

	work sync.WaitGroup

	mu sync.Mutex
	// Guarded by mu.
	byDoor     map[string]int
	retried    int
	unanswered int
}

func newPublisher(doors map[string][]door, users int, book *ledger) *publisher {
	return &publisher{doors: doors, users: users, book: book, byDoor: map[string]int{}}
}

// run publishes for all users until ctx ends, then waits for the answers to
// what it began. Each event has a twin at the other tenant: the same id, user
// and kind.
func (p *publisher) run(ctx context.Context, rate int, r *rand.Rand) {
	var twin event
	p.pace(ctx, rate, func(n int) (event, bool) {
		if i := n % len(tenants()); i > 0 {
			twin.tenant = tenants()[i]
			return twin, false
		}
		twin = event{
			owner: owner{tenants()[0], userName(r.IntN(usersATenant(p.users)))},
			kind:  messages, id: fmt.Sprintf("e%07d", n), urgency: drawUrgency(r),
		}
		if r.IntN(4) == 0 {
			twin.kind = contacts
		}
		return twin, r.IntN(repeatOneIn) == 0
	})
}

// drawUrgency mixes them. Most are such that a silent device is pushed within
// a phase.
func drawUrgency(r *rand.Rand) string {
	switch n := r.IntN(10); {
	case n < 6:
		return "HIGH"
	case n < 9:
		return "NORMAL"
	default:
		return "LOW"
	}
}

// runHot publishes for one user.
func (p *publisher) runHot(ctx context.Context, rate int) {
	p.pace(ctx, rate, func(n int) (event, bool) {
		hot := owner{tenants()[0], userName(hotUser)}
		return event{owner: hot, kind: messages, id: fmt.Sprintf("h%07d", n), urgency: "HIGH"}, n%repeatOneIn == 0
	})
}

// pace publishes what next makes, at a rate, until ctx ends, and waits for the
// answers. next also says whether the event is sent again.
func (p *publisher) pace(ctx context.Context, rate int, next func(n int) (event, bool)) {
	slots := make(chan struct{}, maxOpen)
	pace := newPace(rate, time.Now())
	for n := 0; ; n++ {
		if wait := pace.wait(time.Now()); wait > 0 && !sleep.For(ctx, wait) {
			break
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		e, again := next(n)
		p.work.Go(func() {
			defer func() { <-slots }()
			p.publish(context.WithoutCancel(ctx), e, n, again)
		})
	}
	p.work.Wait()
}

// A pacer says when the next event is due.
type pacer struct {
	every time.Duration
	due   time.Time
}

func newPace(rate int, now time.Time) *pacer {
	return &pacer{every: time.Second / time.Duration(rate), due: now}
}

// wait is how long it is until the next event; it counts as begun then.
func (p *pacer) wait(now time.Time) time.Duration {
	if least := now.Add(-mayCatchUp); p.due.Before(least) {
		p.due = least
	}
	wait := p.due.Sub(now)
	p.due = p.due.Add(p.every)
	return wait
}

// publish has one event stored, beginning with the n-th door.
func (p *publisher) publish(ctx context.Context, e event, n int, again bool) {
	p.book.sending(e.key())
	begun := time.Now()
	a, attempts, err := p.insist(ctx, e, n)
	if err != nil {
		p.note(func() { p.unanswered++ })
		p.book.trouble("event %s was not answered within %v: %v", e.key(), giveUpAfter, err)
		return
	}
	p.book.answered(publication{
		owner: e.owner, kind: e.kind, key: e.key(), version: a.Version,
		begun: begun, answered: time.Now(), attempts: attempts,
	})
	// A router repeats by itself what NATS does not answer at once, and cannot
	// tell its own repeat from an earlier call's.
	if attempts == 1 && a.Duplicate && time.Since(begun) < routerAttempt {
		p.book.trouble("the first attempt to publish %s was answered as a duplicate", e.key())
	}
	if again {
		p.work.Go(func() {
			if sleep.For(ctx, rand.N(maxRepeatDelay)) {
				p.repeat(ctx, e, n+attempts)
			}
		})
	}
}

// repeat sends an answered event again, at the next door.
func (p *publisher) repeat(ctx context.Context, e event, n int) {
	a, _, err := p.insist(ctx, e, n)
	if err != nil {
		p.book.trouble("the repeat of %s was not answered within %v: %v", e.key(), giveUpAfter, err)
		return
	}
	p.book.repeated(repeat{key: e.key(), version: a.Version, duplicate: a.Duplicate, at: time.Now()})
}

// insist tries one door after the other until there is an answer.
func (p *publisher) insist(ctx context.Context, e event, n int) (a answer, attempts int, err error) {
	ctx, cancel := context.WithTimeout(ctx, giveUpAfter)
	defer cancel()
	doors := p.doors[e.tenant]
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		d := doors[(n/len(tenants())+attempts)%len(doors)]
		attempts++
		a, err = p.try(ctx, d, e)
		if err == nil {
			p.note(func() { p.byDoor[d.name()]++; p.retried += attempts - 1 })
			return a, attempts, nil
		}
		if errors.Is(err, errRefused) || !sleep.For(ctx, wait/2+rand.N(wait)) {
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
