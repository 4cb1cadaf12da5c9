package router

import (
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
)

// subscriptions of a router. Owned by Run, then by the loop.
type subscriptions struct {
	r *Router
	// core is what is listened to always, all into one queue, so that an
	// answer and the end of its session stay in order.
	core []*nats.Subscription
	// work is what is answered only while the table is complete.
	work []*nats.Subscription
	// gone counts what ended subscriptions had dropped.
	gone int
}

func (r *Router) subscribe() (*subscriptions, error) {
	s := &subscriptions{r: r}
	for _, subject := range []string{
		routing.SessionsAll, routing.BeatsAll, routing.AnswersTo(r.cfg.Name), routing.DumpsTo(r.cfg.Name),
	} {
		sub, err := r.cfg.Conn.ChanSubscribe(subject, r.core)
		if err != nil {
			s.end()
			return nil, fmt.Errorf("subscribe to %s: %w", subject, err)
		}
		s.core = append(s.core, sub)
	}
	return s, nil
}

// open begins to answer requests.
func (s *subscriptions) open() error {
	for _, w := range []struct {
		subject string
		queue   chan *nats.Msg
	}{
		{routing.HeadsAll, s.r.heads}, {routing.DeviceAll, s.r.devices}, {routing.CheckAll, s.r.checks}, {routing.PresenceAll, s.r.asked},
	} {
		sub, err := s.r.cfg.Conn.ChanQueueSubscribe(w.subject, routing.QueueRouters, w.queue)
		if err != nil {
			s.shut()
			return fmt.Errorf("subscribe to %s: %w", w.subject, err)
		}
		s.work = append(s.work, sub)
	}
	return nil
}

// shut ends answering requests.
func (s *subscriptions) shut() {
	s.gone += dropped(s.work)
	unsubscribe(s.work)
	s.work = nil
}

func (s *subscriptions) end() {
	s.shut()
	unsubscribe(s.core)
}

// droppedAll returns how many messages found their queue full, by queue.
func (s *subscriptions) droppedAll() (core, work int) {
	return dropped(s.core), s.gone + dropped(s.work)
}

func dropped(subs []*nats.Subscription) (n int) {
	for _, sub := range subs {
		if d, err := sub.Dropped(); err == nil {
			n += d
		}
	}
	return n
}

func unsubscribe(subs []*nats.Subscription) {
	for _, sub := range subs {
		_ = sub.Unsubscribe() // fails only where the connection is closed
	}
}
