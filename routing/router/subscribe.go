package router

import (
	"errors"
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

// open begins to answer requests: those of the queue group, and what edges ask
// this router by its name.
func (s *subscriptions) open() error {
	conn, name := s.r.cfg.Conn, s.r.cfg.Name
	group := func(subject string, queue chan *nats.Msg) error {
		sub, err := conn.ChanQueueSubscribe(subject, routing.QueueRouters, queue)
		return s.opened(subject, sub, err)
	}
	alone := func(request string, queue chan *nats.Msg) error {
		subject := routing.AtRouter(name, request)
		sub, err := conn.ChanSubscribe(subject, queue)
		return s.opened(subject, sub, err)
	}
	err := errors.Join(
		group(routing.HeadsAll, s.r.heads), alone(routing.HeadsAll, s.r.heads),
		group(routing.DeviceAll, s.r.devices), alone(routing.DeviceAll, s.r.devices),
		group(routing.CheckAll, s.r.checks), group(routing.PresenceAll, s.r.asked),
	)
	if err != nil {
		s.shut()
	}
	return err
}

func (s *subscriptions) opened(subject string, sub *nats.Subscription, err error) error {
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", subject, err)
	}
	s.work = append(s.work, sub)
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
