package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/sleep"
)

// rounds bounds how often an event is published until NATS hands one to the
// router that is to die, and not to the other one.
const rounds = 20

func (s *story) routerDies(ctx context.Context) ([]string, error) {
	var versions []int64
	for {
		if len(versions) == rounds {
			return nil, fmt.Errorf("none of %d events went to %s", rounds, s.fleet.victim().Name)
		}
		v, held, err := s.publishToFrozen(ctx)
		if err != nil {
			return nil, err
		}
		versions = append(versions, v)
		if held {
			break
		}
		if err := s.settled(ctx); err != nil {
			return nil, err
		}
	}
	died := time.Now()
	if err := s.fleet.Kill(ctx, s.fleet.victim().Name); err != nil {
		return nil, err
	}
	for _, d := range []*device{s.aPhone, s.aTablet} {
		if err := d.waitHeard(ctx, messages, versions...); err != nil {
			return nil, err
		}
	}
	last := versions[len(versions)-1]
	phone, _ := s.aPhone.heard(messages, last)
	if err := s.settled(ctx); err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("%s, frozen with version %d in its hands, is killed (signal 9)", s.fleet.victim().Name, last),
		fmt.Sprintf("%s takes it over when the dead one's time is up: A's phone has it %.1f s after the kill",
			s.fleet.survivor().Name, phone.Sub(died).Seconds()),
	}, nil
}

// publishToFrozen publishes an event while the victim is frozen and tells
// whether it is in its hands. If not, the victim goes on as if nothing had been.
// The event is of low urgency: of others, the router that stored them tells
// devices before NATS hands them out, and no take-over would be needed.
func (s *story) publishToFrozen(ctx context.Context) (version int64, held bool, err error) {
	victim := s.fleet.victim().Name
	before, err := s.fleet.notifies(ctx)
	if err != nil {
		return 0, false, err
	}
	if err := s.allPull(ctx); err != nil {
		return 0, false, err
	}
	frozen, err := s.fleet.Freeze(ctx, victim)
	if err != nil {
		return 0, false, fmt.Errorf("freeze %s: %w", victim, err)
	}
	defer func() {
		if !held {
			err = errors.Join(err, s.fleet.Thaw(ctx, victim))
		}
	}()
	a, err := s.fleet.publishHTTP(ctx, s.fleet.survivor(), publication{user: "A", kind: messages, item: "still there?", urgency: "LOW"})
	if err != nil || !frozen {
		return a.Version, err == nil, err
	}
	held, err = s.isHeld(ctx, before)
	if _, heard := s.aPhone.heard(messages, a.Version); held && heard {
		err = fmt.Errorf("no router told the edge of version %d, and A's phone has it", a.Version)
	}
	return a.Version, held, err
}

// allPull waits until every router waits for events: one that was frozen for long
// looks first at what it has missed, and is given none meanwhile.
func (s *story) allPull(ctx context.Context) error {
	return devmode.Until(ctx, func() error {
		n, err := s.fleet.pulling(ctx)
		if err == nil && n < len(s.fleet.routers) {
			err = fmt.Errorf("%d of %d routers wait for events", n, len(s.fleet.routers))
		}
		return err
	})
}

// isHeld tells whether the newest event is in the hands of the frozen router:
// NATS has handed it out, and for two seconds no router has told the edge more
// than the notifies that it had taken before. That a device lacks the item
// would prove nothing: the frozen router may sit on the answer to its sync.
func (s *story) isHeld(ctx context.Context, before int) (bool, error) {
	for range 20 {
		n, err := s.fleet.notifies(ctx)
		if err != nil || n > before {
			return false, err
		}
		sleep.For(ctx, 100*time.Millisecond)
	}
	n, err := s.fleet.inFlight(ctx)
	return n > 0, err
}

// settled waits until no event waits for a device any more.
func (s *story) settled(ctx context.Context) error {
	return devmode.Until(ctx, func() error {
		n, err := s.fleet.inFlight(ctx)
		if err == nil && n > 0 {
			err = fmt.Errorf("%d events are not settled", n)
		}
		return err
	})
}
