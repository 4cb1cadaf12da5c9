package devices

import (
	"context"
	"strings"

	"github.com/hawser-edge/hawser/routing"
)

// owner is the value of a token's key: the device that owns the token and,
// until its record is out of the way, the one that owned it before. Written
// as "t.u.d" or "t.u.d t.u.d".
type owner struct{ now, before ID }

func (o owner) String() string {
	if o.before == (ID{}) {
		return o.now.String()
	}
	return o.now.String() + " " + o.before.String()
}

// parseOwner reads unreadable values as nobody's: the claimant writes anew.
func parseOwner(b []byte) owner {
	now, before, _ := strings.Cut(string(b), " ")
	return owner{now: parseID(now), before: parseID(before)}
}

func parseID(s string) ID {
	t, u, d, err := routing.ParseDeviceKey("d." + s)
	if err != nil {
		return ID{}
	}
	return ID{Tenant: t, User: u, Device: d}
}

func (s *Store) owner(ctx context.Context, key string) (owner, entry, error) {
	e, err := s.read(ctx, key)
	if err != nil || !e.live() {
		return owner{}, e, err
	}
	return parseOwner(e.value), e, nil
}

// claim makes id the token's owner and notes whose it was, so that a crash
// between here and the removal of the former owner's record is repaired by
// the repeated call.
func (s *Store) claim(ctx context.Context, key string, id ID) (before ID, err error) {
	err = retry(ctx, func() error {
		o, e, err := s.owner(ctx, key)
		if err != nil {
			return err
		}
		if o.now == id {
			before = o.before
			return nil
		}
		before = o.now
		return s.write(ctx, key, []byte(owner{now: id, before: before}.String()), e.revision)
	})
	return before, err
}

// settle forgets the former owner where id is the token's. It returns whose
// the token is by now. With anew it writes the key even if that changes
// nothing, so that who read it before does not remove it.
func (s *Store) settle(ctx context.Context, key string, id ID, anew bool) (now ID, err error) {
	err = retry(ctx, func() error {
		o, e, err := s.owner(ctx, key)
		if err != nil {
			return err
		}
		if now = o.now; now != id || o.before == (ID{}) && !anew {
			return nil
		}
		return s.write(ctx, key, []byte(owner{now: id}.String()), e.revision)
	})
	return now, err
}

// disown removes the token's key if id owns it.
func (s *Store) disown(ctx context.Context, key string, id ID) error {
	return retry(ctx, func() error {
		o, e, err := s.owner(ctx, key)
		if err != nil || o.now != id {
			return err
		}
		return s.remove(ctx, key, e.revision)
	})
}
