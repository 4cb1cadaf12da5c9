// Package users carries out what a backend does to its users: it ends their
// sessions, and removes devices or whole users from everything that hawser
// stores.
//
// Each call first stores a cutoff (routing/devices): which sessions and tokens
// are over. Every router watches cutoffs and has the edges end what they hold,
// and goes on to until it is ended; a device that comes later meets the same
// cutoff. That alone makes a call durable. It returns when everything else is
// done too; where that fails half-way the caller repeats it.
package users

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/devices"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// Service acts on users. It may be used by many goroutines.
type Service struct {
	// Static after construction.
	js jetstream.JetStream

	mu sync.Mutex
	// Guarded by mu. Opened by the first call.
	store *devices.Store
}

// New returns a service. js needs a router's permissions.
func New(js jetstream.JetStream) *Service { return &Service{js: js} }

// Disconnect ends the sessions of a user, or of one device where it is not
// empty, that began up to now by the routers' clocks. With revoke it also
// refuses the tokens that were issued until now, and returns from which iat
// on, in seconds since 1970, they are taken; otherwise 0.
func (s *Service) Disconnect(ctx context.Context, tenant, user, device string, revoke bool) (tokensFrom int64, err error) {
	c := cutoff(time.Now())
	if !revoke {
		c.TokensS = 0
	}
	return c.TokensS, s.run(ctx, func(ctx context.Context, store *devices.Store) error {
		return store.Cut(ctx, devices.ID{Tenant: tenant, User: user, Device: device}, c)
	})
}

// DeleteDevice ends a device's sessions, refuses its tokens, and removes its
// record and its waiting pushes.
func (s *Service) DeleteDevice(ctx context.Context, tenant, user, device string) (tokensFrom int64, err error) {
	c, id := cutoff(time.Now()), devices.ID{Tenant: tenant, User: user, Device: device}
	return c.TokensS, s.run(ctx, func(ctx context.Context, store *devices.Store) error {
		if err := store.Cut(ctx, id, c); err != nil {
			return err
		}
		if err := store.Remove(ctx, id); err != nil {
			return err
		}
		return s.purgePushes(ctx, routing.PushSlot(tenant, user, device, "*"))
	})
}

// DeleteUser does so for all devices of a user, and removes the user's events.
func (s *Service) DeleteUser(ctx context.Context, tenant, user string) (tokensFrom int64, err error) {
	c := cutoff(time.Now())
	return c.TokensS, s.run(ctx, func(ctx context.Context, store *devices.Store) error {
		if err := store.Cut(ctx, devices.ID{Tenant: tenant, User: user}, c); err != nil {
			return err
		}
		if err := store.RemoveUser(ctx, tenant, user); err != nil {
			return err
		}
		if err := s.removeEvents(ctx, routing.InboxOf(tenant, user)); err != nil {
			return err
		}
		// Last: a job that is stored after this finds no record, and is dropped.
		return s.purgePushes(ctx, routing.PushSlot(tenant, user, "*", "*"))
	})
}

// cutoff ends everything up to now. A token's iat has whole seconds, so that
// those of this second are over too.
func cutoff(now time.Time) *linkpb.Cutoff {
	return &linkpb.Cutoff{SessionsMs: now.UnixMilli(), TokensS: now.Unix() + 1}
}

// purgePushes removes what waits to be pushed, and what was given up. The slots are
// wildcards that no consumer's filter covers: see pushqueue.Store.Remove.
func (s *Service) purgePushes(ctx context.Context, slots string) error {
	if err := s.purge(ctx, routing.StreamPush, slots); err != nil {
		return err
	}
	return s.purge(ctx, routing.StreamPushDead, slots)
}

func (s *Service) purge(ctx context.Context, stream, subject string) error {
	st, err := s.js.Stream(ctx, stream)
	if err != nil {
		return fmt.Errorf("open stream %s: %w", stream, err)
	}
	if err := st.Purge(ctx, jetstream.WithPurgeSubject(subject)); err != nil {
		return fmt.Errorf("purge stream %s: %w", stream, err)
	}
	return nil
}

// attemptWait bounds one attempt: what a server that died would have answered
// does not come.
const attemptWait = 3 * time.Second

// run repeats do until it succeeds, is refused for good or ctx ends: electing
// a new leader takes NATS some seconds.
func (s *Service) run(ctx context.Context, do func(context.Context, *devices.Store) error) error {
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := s.try(ctx, do)
		if err == nil || errors.Is(err, devices.ErrInvalid) {
			return err
		}
		if !sleep.For(ctx, pause) {
			return err
		}
	}
}

func (s *Service) try(ctx context.Context, do func(context.Context, *devices.Store) error) error {
	ctx, cancel := context.WithTimeout(ctx, attemptWait)
	defer cancel()
	store, err := s.open(ctx)
	if err != nil {
		return err
	}
	return do(ctx, store)
}

func (s *Service) open(ctx context.Context) (*devices.Store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.store == nil {
		store, err := devices.Open(ctx, s.js)
		if err != nil {
			return nil, err
		}
		s.store = store
	}
	return s.store, nil
}
