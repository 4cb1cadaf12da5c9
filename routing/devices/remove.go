package devices

import (
	"context"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// Record returns what is known of a device; Found is false where there is no
// record.
func (s *Store) Record(ctx context.Context, tenant, user, device string) (Record, error) {
	id := ID{tenant, user, device}
	if err := id.check(); err != nil {
		return Record{}, err
	}
	e, err := s.read(ctx, id.key())
	if err != nil || !e.live() {
		return Record{}, err
	}
	r, err := ParseRecord(e.value)
	if err != nil {
		return Record{}, err
	}
	return recordOf(r, e.revision), nil
}

// Remove removes a device's record and frees its token: the device logged
// out or its backend deleted it. A registration that began earlier and
// arrives later is refused.
func (s *Store) Remove(ctx context.Context, id ID) error {
	if err := id.check(); err != nil {
		return err
	}
	_, err := s.removeIf(ctx, id, func(*linkpb.DeviceRecord) bool { return true })
	return err
}

// removeIf removes the record if want says so, and frees its token after
// it: while the record is there, it is pushed to. want gets nil for a device
// without a (readable) record; the marker that is then left refuses
// registrations that are still under way.
func (s *Store) removeIf(ctx context.Context, id ID, want func(*linkpb.DeviceRecord) bool) (bool, error) {
	var old *linkpb.DeviceRecord
	removed := false
	err := retry(ctx, func() error {
		e, err := s.read(ctx, id.key())
		if err != nil {
			return err
		}
		old = nil
		if e.live() {
			old, _ = ParseRecord(e.value)
		}
		if !want(old) {
			removed = false
			return nil
		}
		removed = true
		return s.remove(ctx, id.key(), e.revision)
	})
	if err != nil || !removed || old.GetPushToken() == "" {
		return removed && err == nil, err
	}
	return true, s.disown(ctx, routing.TokenOwnerKey(id.Tenant, old.GetApp(), old.GetPushToken()), id)
}
