package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/push/pushtest"
	"github.com/hawser-edge/hawser/routing"
)

const (
	// publishEvery is the pause between two looks at how much is under way.
	publishEvery = 10 * time.Millisecond
	// youngFor is for how long a stream with an event on its way counts as one
	// whose pushes come: longer than a worker gathers and asks.
	youngFor = 2 * time.Second
	// publishTimeout bounds one try to publish, publishPatience all of them.
	publishTimeout  = 3 * time.Second
	publishPatience = 4 * time.Minute
)

// A publisher is the backend: it publishes as much as keeps the pushes under
// way that the options want.
type publisher struct {
	// Static.
	opts   options
	nc     *nats.Conn
	book   *ledger
	flight func() pushtest.Flight

	bursts sync.WaitGroup
	// Owned by run.
	choices *rand.Rand
	number  int
}

// run publishes until ctx ends, then waits for the answers.
func (p *publisher) run(ctx context.Context) {
	tick := time.NewTicker(publishEvery)
	defer tick.Stop()
	defer p.bursts.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		// Each stream is two pushes. The more wait to be sent the fewer follow:
		// a worker that begins anew finds some, and not all of the users'.
		if want := p.opts.flight * p.opts.pushers; p.flight().All() < want && p.book.young(youngFor) < want {
			p.burst(ctx)
		}
	}
}

// burst publishes one event, or a few within half a second, so that a job takes
// the place of one that is under way.
func (p *publisher) burst(ctx context.Context) {
	all := kinds()
	s := stream{userName(p.choices.IntN(p.opts.users)), all[p.choices.IntN(len(all))]}
	if !p.book.begin(s) {
		return
	}
	p.number++
	number, events := p.number, 1
	if p.choices.IntN(4) == 0 {
		events = 3
	}
	pauses := []time.Duration{0, rand.N(250 * time.Millisecond), rand.N(250 * time.Millisecond)}
	ctx = context.WithoutCancel(ctx)
	p.bursts.Go(func() {
		defer p.book.end(s)
		for i := range events {
			time.Sleep(pauses[i])
			version, err := p.publish(ctx, s, fmt.Sprintf("e%d-%d", number, i))
			if err != nil {
				p.book.trouble("an event of %s was never stored: %v", s, err)
				return
			}
			p.book.answered(s, version)
		}
	})
}

// publish stores an event. The tries have one id, so that the event is one.
func (p *publisher) publish(ctx context.Context, s stream, id string) (version int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, publishPatience)
	defer cancel()
	for {
		version, err = p.try(ctx, s, id)
		if err == nil || ctx.Err() != nil {
			return version, err
		}
		time.Sleep(rand.N(200 * time.Millisecond))
	}
}

var errNoVersion = errors.New("the answer is no version")

func (p *publisher) try(ctx context.Context, s stream, id string) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	msg := nats.NewMsg(routing.PublishSubject(tenant, s.user, s.kind))
	msg.Header.Set(routing.HeaderID, id)
	msg.Header.Set(routing.HeaderPush, `{"title":"`+saidTitle+`","body":"`+saidBody+` `+id+`","data":{"chat":"`+saidData+`"}}`)
	msg.Data = []byte(saidItem + " " + id)
	reply, err := p.nc.RequestMsgWithContext(ctx, msg)
	if err != nil {
		return 0, err
	}
	var answer struct {
		Version int64 `json:"version,string"`
	}
	if err := json.Unmarshal(reply.Data, &answer); err != nil || answer.Version < 1 {
		return 0, fmt.Errorf("%w: %.200s", errNoVersion, reply.Data)
	}
	return answer.Version, nil
}
