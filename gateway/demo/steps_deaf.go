package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// patience is how long a device may keep an urgent event unacknowledged; the
// demo's messages are urgent.
const patience = 3 * time.Second

func (s *story) stopReading(ctx context.Context) ([]string, error) {
	before := len(s.fleet.notifications(s.aPhone))
	s.aPhone.gate.shut()
	defer s.aPhone.gate.open()
	a, err := s.fleet.publishHTTP(ctx, s.fleet.survivor(), publication{
		user: "A", kind: messages, item: "are you there?", title: "To A", body: "are you there?",
	})
	if err != nil {
		return nil, err
	}
	if err := s.aTablet.waitHeard(ctx, messages, a.Version); err != nil {
		return nil, err
	}
	err = devmode.Until(ctx, func() error {
		if len(s.fleet.notifications(s.aPhone)) == before {
			return errors.New("no push has reached the phone of A")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	stored, err := s.storedAt(ctx, a.Version)
	if err != nil {
		return nil, err
	}
	pushed := s.fleet.notifications(s.aPhone)[before].At.Sub(stored)
	if pushed < patience {
		return nil, fmt.Errorf("the phone of A was pushed after %v: it has %v to acknowledge", pushed, patience)
	}
	tablet, _ := s.aTablet.heard(messages, a.Version)
	lines := []string{fmt.Sprintf("the tablet has it after %.1f ms; the phone is pushed after %.1f s",
		milliseconds(tablet.Sub(stored)), pushed.Seconds())}
	s.aPhone.gate.open()
	if err := s.aPhone.waitHeard(ctx, messages, a.Version); err != nil {
		return lines, err
	}
	lines = append(lines, "it reads again and is handed the item over its connection")
	return lines, s.acknowledges(ctx)
}

// acknowledges shows that a device which reads gets no push: what it says is
// believed.
func (s *story) acknowledges(ctx context.Context) error {
	before := len(s.fleet.notifications(s.aPhone))
	a, err := s.fleet.publishHTTP(ctx, s.fleet.survivor(), publication{
		user: "A", kind: messages, item: "there you are", title: "To A", body: "there you are",
	})
	if err != nil {
		return err
	}
	if err := s.aPhone.waitHeard(ctx, messages, a.Version); err != nil {
		return err
	}
	late := time.After(patience + 1500*time.Millisecond)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-late:
			return nil
		case <-time.After(50 * time.Millisecond):
		}
		if len(s.fleet.notifications(s.aPhone)) != before {
			return errors.New("the phone of A was pushed for an item that it had acknowledged")
		}
	}
}
