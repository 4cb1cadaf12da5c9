package router

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Devices hear of an event by its hint: see hints.go. The log's delivery, which
// all promises are kept by, needs not be fast then but cheap, and its cost is
// each time that a server or a router wakes for it. So events gather in the log
// and are taken together.
const (
	// pullMessages is how many events are asked for at once.
	pullMessages = 1000
	// gatherFor is how long events gather. An event without a hint waits for
	// as long.
	gatherFor = 10 * time.Millisecond
	// pullWait is how long a request waits for an event where there is none. A
	// router that is stopped is given one event meanwhile, which comes again.
	pullWait = time.Second
	// answerWait is how long the client waits for the answer to a request that
	// does not wait for events. What comes later finds nobody, and would be
	// given out again and again for nothing. So where answers are slow, as in a
	// storm of sessions on the same connection, events are asked for with
	// slowWait at most: the client waits for a second longer than that.
	answerWait = time.Second
	slowWait   = 3 * time.Second
	// pullPause is the pause after a request that failed, as it does while a
	// new leader is in election.
	pullPause = 250 * time.Millisecond
)

// puller takes events for a while. Owned by consume.
type puller struct {
	// Static after construction.
	r        *Router
	consumer jetstream.Consumer
	epoch    uint64

	// slow: the last answer came late, or too late.
	slow bool
	// brought: the last pull brought events.
	brought bool
}

// answered reports whether the log surely answered the last pull: where it is slow
// and brings nothing, nobody may have.
func (p *puller) answered() bool { return p.brought || !p.slow }

// pull takes what has gathered. Where that is nothing it waits for an event.
func (p *puller) pull(ctx context.Context) error {
	p.brought = false
	if p.slow {
		return p.pullSlowly(ctx)
	}
	begin := time.Now()
	n, err := p.take(ctx, func() (jetstream.MessageBatch, error) { return p.consumer.FetchNoWait(pullMessages) })
	if p.slow = time.Since(begin) >= answerWait; p.slow {
		return err
	}
	if n == 0 && err == nil {
		n, err = p.take(ctx, func() (jetstream.MessageBatch, error) {
			// A request that a restarted server, or a new leader, does not know
			// is made again after two missed heartbeats.
			return p.consumer.Fetch(1, jetstream.FetchMaxWait(pullWait), jetstream.FetchHeartbeat(pullWait/4))
		})
	}
	if 0 < n && n < pullMessages {
		p.gather(ctx)
	}
	return err
}

// pullSlowly takes events as they come, until answers are fast again.
func (p *puller) pullSlowly(ctx context.Context) error {
	begin := time.Now()
	// What comes back after AckWait could otherwise come too late each time: just
	// as a request ends, where both last equally long.
	wait := slowWait - rand.N(slowWait/3)
	n, err := p.take(ctx, func() (jetstream.MessageBatch, error) {
		return p.consumer.Fetch(pullMessages, jetstream.FetchMaxWait(wait))
	})
	p.slow = n == pullMessages || time.Since(begin) >= wait+answerWait/2
	return err
}

func (p *puller) take(ctx context.Context, fetch func() (jetstream.MessageBatch, error)) (n int, err error) {
	batch, err := fetch()
	if err != nil {
		return 0, err
	}
	for {
		select {
		case m, more := <-batch.Messages():
			if !more {
				return n, batch.Error()
			}
			n++
			p.brought = true
			p.r.receive(ctx, m, p.epoch)
		case <-ctx.Done():
			return n, ctx.Err() // what is under way comes again by itself
		}
	}
}

// gather waits for events to gather, unless the router leaves.
func (p *puller) gather(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, gatherFor)
	defer cancel()
	select {
	case <-ctx.Done():
	case <-p.r.leaving:
	}
}
