package devices

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// refreshAfter is how old a registration grows before the same token is
// stored again. Providers tell since when a token is dead: a registration
// that looks older than that is dropped.
const refreshAfter = 12 * time.Hour

// Outcome is what Put did.
type Outcome int

// The outcomes of Put.
const (
	// Unchanged: the record says so already, or the call brought no token.
	Unchanged Outcome = iota
	// Stored: the record was written.
	Stored
	// Stale: the device was removed, or registered anew, after this
	// registration began. Nothing was written and nothing is to be repeated.
	Stale
)

// String returns unchanged, stored or stale.
func (o Outcome) String() string {
	switch o {
	case Unchanged:
		return "unchanged"
	case Stored:
		return "stored"
	case Stale:
		return "stale"
	default:
		return fmt.Sprintf("Outcome(%d)", int(o))
	}
}

// Put stores a registration. The token's former owner, if another device,
// loses its record. A registration without a token changes nothing: a token
// is often not known yet when a device connects. A call that failed half-way
// is completed by the repeated call, which devices' edges make.
func (s *Store) Put(ctx context.Context, id ID, r *linkpb.DeviceRecord) (Outcome, error) {
	if err := id.check(); err != nil {
		return 0, err
	}
	if err := checkRecord(r); err != nil {
		return 0, err
	}
	if r.GetPushToken() == "" {
		return Unchanged, nil
	}
	p := &put{s: s, id: id, rec: r, tokenKey: routing.TokenOwnerKey(id.Tenant, r.GetApp(), r.GetPushToken())}
	return p.run(ctx)
}

// put is one call of Put.
type put struct {
	s        *Store
	id       ID
	rec      *linkpb.DeviceRecord
	tokenKey string

	// dropped is set by store where the record's last one lost a rejected
	// token, maybe just now.
	dropped bool
}

// run repeats the whole while a removal of the token frees it in between.
func (p *put) run(ctx context.Context) (out Outcome, err error) {
	err = retry(ctx, func() (err error) {
		out, err = p.once(ctx)
		return err
	})
	return out, err
}

func (p *put) once(ctx context.Context) (Outcome, error) {
	out, err := p.look(ctx)
	if err != nil || out != Stored {
		return out, err
	}
	before, err := p.s.claim(ctx, p.tokenKey, p.id)
	if err != nil {
		return 0, err
	}
	if before != (ID{}) {
		if err := p.evict(ctx, before); err != nil {
			return 0, err
		}
	}
	// A token that came back is newer than the record that still names it.
	old, out, err := p.store(ctx, before != (ID{}))
	if err != nil {
		return 0, err
	}
	if out == Stale {
		return Stale, p.s.disown(ctx, p.tokenKey, p.id)
	}
	return p.finish(ctx, old)
}

// look finds out before anything is written whether there is anything to do.
func (p *put) look(ctx context.Context) (Outcome, error) {
	e, err := p.s.read(ctx, p.id.key())
	if err != nil {
		return 0, err
	}
	o, _, err := p.s.owner(ctx, p.tokenKey)
	if err != nil {
		return 0, err
	}
	_, out := p.compare(e)
	if out == Unchanged && o != (owner{now: p.id}) {
		out = Stored
	}
	if out == Stored && o.now != p.id && o.now != (ID{}) {
		return p.lookAtOwner(ctx, o.now)
	}
	return out, nil
}

// lookAtOwner refuses a registration that is older than the one by which
// the token came to its present owner: it was late.
func (p *put) lookAtOwner(ctx context.Context, holder ID) (Outcome, error) {
	e, err := p.s.read(ctx, holder.key())
	if err != nil || !e.live() {
		return Stored, err
	}
	theirs, err := ParseRecord(e.value)
	if err == nil && sameToken(theirs, p.rec) && theirs.GetRegisteredMs() > p.rec.GetRegisteredMs() {
		return Stale, nil
	}
	return Stored, nil
}

// compare tells what the device's own key asks for. A record that is not
// readable is written over.
func (p *put) compare(e entry) (*linkpb.DeviceRecord, Outcome) {
	if e.deleted && !e.rejected && p.rec.GetRegisteredMs() <= e.at.UnixMilli() {
		return nil, Stale
	}
	if !e.live() {
		return nil, Stored
	}
	old, err := ParseRecord(e.value)
	if err != nil {
		return nil, Stored
	}
	age := time.Duration(p.rec.GetRegisteredMs()-old.GetRegisteredMs()) * time.Millisecond
	switch same := sameToken(old, p.rec) && old.GetPlatform() == p.rec.GetPlatform(); {
	case same && old.GetRejectedMs() != 0:
		return old, Stored
	case same && age < refreshAfter:
		return old, Unchanged
	case age < 0:
		return old, Stale
	default:
		return old, Stored
	}
}

// evict removes the former owner's record while it still names the token.
func (p *put) evict(ctx context.Context, before ID) error {
	return retry(ctx, func() error {
		e, err := p.s.read(ctx, before.key())
		if err != nil || !e.live() {
			return err
		}
		if r, err := ParseRecord(e.value); err != nil || !sameToken(r, p.rec) {
			return nil
		}
		return p.s.remove(ctx, before.key(), e.revision)
	})
}

func (p *put) store(ctx context.Context, anew bool) (old *linkpb.DeviceRecord, out Outcome, err error) {
	err = retry(ctx, func() error {
		e, err := p.s.read(ctx, p.id.key())
		if err != nil {
			return err
		}
		p.dropped = e.rejected
		old, out = p.compare(e)
		if out == Stale || out == Unchanged && !anew {
			return nil
		}
		b, err := proto.Marshal(p.merged(old))
		if err != nil {
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		return p.s.write(ctx, p.id.key(), b, e.revision)
	})
	return old, out, err
}

// merged is the record to write. One that says that a rejected token is in use
// may come from an edge whose clock is behind: the later time stays.
func (p *put) merged(old *linkpb.DeviceRecord) *linkpb.DeviceRecord {
	if old == nil || !sameToken(old, p.rec) || old.GetRegisteredMs() <= p.rec.GetRegisteredMs() {
		return p.rec
	}
	r := proto.CloneOf(p.rec)
	r.RegisteredMs = old.GetRegisteredMs()
	return r
}

// finish frees the device's former token and looks whether the new one was
// taken over meanwhile: then its record goes, for the other's claim came
// before the record was there to be evicted.
func (p *put) finish(ctx context.Context, old *linkpb.DeviceRecord) (Outcome, error) {
	if old != nil && !sameToken(old, p.rec) && old.GetPushToken() != "" {
		key := routing.TokenOwnerKey(p.id.Tenant, old.GetApp(), old.GetPushToken())
		if err := p.s.disown(ctx, key, p.id); err != nil {
			return 0, err
		}
	}
	now, err := p.s.settle(ctx, p.tokenKey, p.id, p.dropped)
	switch {
	case err != nil || now == p.id:
		return Stored, err
	case now == ID{}:
		// A push worker removed the rejected token just before this
		// registration wrote its record, and freed it just after.
		return 0, errLost
	default:
		return Stale, p.evict(ctx, p.id)
	}
}
