package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// maxTellRounds bounds a slip of the finger.
const maxTellRounds = 50

// fanOutBeside: --conns idle connections of each kind, each told once in a
// round, --rate a second.
func (r *run) fanOutBeside(ctx context.Context) error {
	if err := r.connect(ctx, 0, r.o.conns, false); err != nil {
		return err
	}
	t := newTurns()
	turns := []func() error{func() error {
		return t.turn(sideEdge, r.fleet.pids()[0], func() (int, error) {
			c := PublishCall{To: r.o.conns, Start: time.Now().Add(lead), Rate: r.o.rate, Group: groupNotify}
			return r.o.conns, errors.Join(r.publish(ctx, c, r.o.conns), waitUnless(ctx, rest))
		})
	}}
	sides := []string{sidePlain, sideSealed}
	for _, name := range sides {
		s, err := r.openTold(ctx, name)
		defer s.close()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		turns = append(turns, func() error {
			return t.turn(name, s.hand.cmd.Process.Pid, func() (int, error) {
				return r.o.conns, errors.Join(s.tell(ctx, r.o.conns, r.o.rate), waitUnless(ctx, rest))
			})
		})
	}
	r.watch.enter("fan-out")
	for i := range r.tellRounds() {
		if err := inTurns(i, turns...); err != nil {
			return err
		}
	}
	for _, name := range sides {
		r.rep.Beside = append(r.rep.Beside, t.compare(groupNotify, sideEdge, name))
	}
	r.rep.Beside = append(r.rep.Beside, t.compare(groupNotify, sideSealed, sidePlain)) // what TLS takes
	r.rep.caveat("a notify is all from the order to tell a connection to its acknowledgement; an edge also answers its routers. Both run with %s", gogc)
	return r.measure(ctx)
}

// told is a side with connections that are told news.
type told struct {
	hand   *hand
	orders net.Conn
}

// openTold connects as many devices as the edge has. The caller closes it, also
// after an error.
func (r *run) openTold(ctx context.Context, side string) (s told, err error) {
	var addrs BareAddrs
	if s.hand, addrs, err = r.startBare(ctx, side); err != nil {
		return s, err
	}
	r.n.say("connecting %d more: %s", r.o.conns, side)
	c := HearCall{Addr: addrs.Devices, Plain: side == sidePlain, Count: r.o.conns, Rate: r.o.connectRate, Start: time.Now().Add(lead)}
	if err = r.crew.same(ctx, "Hear", c); err != nil {
		return s, err
	}
	s.orders, err = (&net.Dialer{}).DialContext(ctx, "tcp", addrs.Orders)
	return s, err
}

func (s told) close() {
	if s.orders != nil {
		_ = s.orders.Close()
	}
	s.hand.stop()
}

// tellRounds are as many as --duration has room for.
func (r *run) tellRounds() int {
	round := 3 * float64(r.o.conns) / r.o.rate // seconds
	return min(max(int(r.o.duration.Seconds()/round), 1), maxTellRounds)
}

// tell has each connection told once, and waits for the acknowledgements.
func (s told) tell(ctx context.Context, conns int, rate float64) error {
	var before, now int64
	if err := s.hand.callBare(ctx, "Acked", Nothing{}, &before); err != nil {
		return err
	}
	start := time.Now()
	for n := range conns {
		if err := waitUnless(ctx, time.Until(start.Add(time.Duration(float64(n)/rate*float64(time.Second))))); err != nil {
			return err
		}
		order := orderOf(n)
		if _, err := s.orders.Write(order[:]); err != nil {
			return err
		}
	}
	waiting, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	return devmode.Until(waiting, func() error {
		if err := s.hand.callBare(waiting, "Acked", Nothing{}, &now); err != nil {
			return err
		}
		if int(now-before) < conns {
			return fmt.Errorf("%d of %d messages are acknowledged", now-before, conns)
		}
		return nil
	})
}
