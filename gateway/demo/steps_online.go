package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/sleep"
)

func (s *story) start(ctx context.Context) ([]string, error) {
	var lines []string
	var err error
	if s.fleet, lines, err = startFleet(ctx, s.ground, s.program); err != nil {
		return lines, err
	}
	s.makeDevices()
	return lines, nil
}

func (s *story) connectA(ctx context.Context) ([]string, error) {
	if err := s.aPhone.open(ctx, client.QUIC); err != nil {
		return nil, err
	}
	if err := s.aTablet.open(ctx, client.TCP); err != nil {
		return nil, err
	}
	phone, tablet := s.aPhone.current(), s.aTablet.current()
	return []string{
		fmt.Sprintf("phone   connected over %s, beats after %v of silence", phone.Transport, phone.Interval.Round(time.Second)),
		fmt.Sprintf("tablet  connected over %s, beats after %v of silence", tablet.Transport, tablet.Interval.Round(time.Second)),
	}, nil
}

func (s *story) threeDoors(ctx context.Context) ([]string, error) {
	s.firstID = "order-1"
	doors := []struct {
		name    string
		publish func() (answer, error)
	}{
		{"HTTP, as curl speaks it", func() (answer, error) {
			return s.fleet.publishHTTP(ctx, s.fleet.victim(), publication{user: "A", kind: messages, item: "hello over HTTP", id: s.firstID})
		}},
		{"NATS, as any client speaks it", func() (answer, error) {
			return s.fleet.publishNATS(ctx, publication{user: "A", kind: messages, item: "hello over NATS"})
		}},
		{"the command notify", func() (answer, error) {
			return s.fleet.publishCLI(ctx, s.fleet.survivor(), publication{user: "A", kind: messages, item: "hello from a shell"})
		}},
	}
	var lines []string
	for i, door := range doors {
		a, err := door.publish()
		if err != nil {
			return lines, err
		}
		if i == 0 {
			s.first = a
		}
		line, err := s.bothHear(ctx, a.Version)
		if err != nil {
			return lines, err
		}
		lines = append(lines, fmt.Sprintf("%-30s version %d: %s", door.name, a.Version, line))
	}
	return lines, nil
}

// bothHear waits until both of A's devices have fetched a version.
func (s *story) bothHear(ctx context.Context, version int64) (string, error) {
	for _, d := range []*device{s.aPhone, s.aTablet} {
		if err := d.waitHeard(ctx, messages, version); err != nil {
			return "", err
		}
	}
	stored, err := s.storedAt(ctx, version)
	if err != nil {
		return "", err
	}
	phone, _ := s.aPhone.heard(messages, version)
	tablet, _ := s.aTablet.heard(messages, version)
	return fmt.Sprintf("phone %.1f ms, tablet %.1f ms",
		milliseconds(phone.Sub(stored)), milliseconds(tablet.Sub(stored))), nil
}

func (s *story) storedAt(ctx context.Context, version int64) (time.Time, error) {
	var at time.Time
	err := devmode.Until(ctx, func() error {
		events, err := s.fleet.streamEvents(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(events, func(e event) bool { return e.version == version })
		if i < 0 {
			// A server that follows the stream's leader may be a moment behind.
			return fmt.Errorf("version %d was answered and is not in the stream", version)
		}
		at = events[i].stored
		return nil
	})
	return at, err
}

// quiet is how long the story waits to see that nothing happens.
const quiet = 700 * time.Millisecond

func (s *story) sameAgain(ctx context.Context) ([]string, error) {
	before := len(s.aPhone.record().arrivals) + len(s.aTablet.record().arrivals)
	again, err := s.fleet.publishHTTP(ctx, s.fleet.survivor(), publication{user: "A", kind: messages, item: "hello over HTTP", id: s.firstID})
	if err != nil {
		return nil, err
	}
	if !again.Duplicate || again.Version != s.first.Version {
		return nil, fmt.Errorf("the repeat was answered version %d, duplicate %v: want version %d, duplicate true",
			again.Version, again.Duplicate, s.first.Version)
	}
	sleep.For(ctx, quiet)
	if after := len(s.aPhone.record().arrivals) + len(s.aTablet.record().arrivals); after != before {
		return nil, fmt.Errorf("the devices of A were handed %d more items after a repeat", after-before)
	}
	return []string{fmt.Sprintf("the other router answers version %d, duplicate true; no device hears it again", again.Version)}, nil
}
