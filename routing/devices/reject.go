package devices

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// headerRejected is set on the marker of a record whose token the push service
// rejected. Unlike a removed device, such a one may register at any time.
const headerRejected = "Hawser-Rejected"

// MarkRejected notes in a device's record since when the push service rejects
// its token, if the record still is what it was at revision. It reports
// whether it did. From then on a registration of the same token, which else
// changes nothing for hours, writes the record anew: that is what lets
// DropToken tell a dead token from one that has just come back, whatever the
// clocks say.
func (s *Store) MarkRejected(ctx context.Context, tenant, user, device string, revision uint64, since time.Time) (bool, error) {
	id := ID{tenant, user, device}
	e, r, err := s.at(ctx, id, revision)
	if err != nil || r == nil {
		return false, err
	}
	r.RejectedMs = since.UnixMilli()
	b, err := proto.Marshal(r)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return won(s.write(ctx, id.key(), b, e.revision))
}

// DropToken removes a device's record because the push service rejects its
// token, if the record still is what it was at revision: the device may have
// registered another token, or the same one anew, since the push was made. It
// reports whether the record was removed.
func (s *Store) DropToken(ctx context.Context, tenant, user, device string, revision uint64) (bool, error) {
	id := ID{tenant, user, device}
	e, r, err := s.at(ctx, id, revision)
	if err != nil || r == nil {
		return false, err
	}
	// Read before the removal: a registration that follows it writes the
	// owner's key anew and so keeps it from being removed below.
	tokenKey := routing.TokenOwnerKey(id.Tenant, r.GetApp(), r.GetPushToken())
	o, owned, err := s.owner(ctx, tokenKey)
	if err != nil {
		return false, err
	}
	dropped, err := won(s.removeRejected(ctx, id.key(), e.revision))
	if err != nil || !dropped || o.now != id {
		return dropped, err
	}
	_, err = won(s.remove(ctx, tokenKey, owned.revision))
	return true, err
}

// at reads a device's record, nil if it is not what it was at revision.
func (s *Store) at(ctx context.Context, id ID, revision uint64) (entry, *linkpb.DeviceRecord, error) {
	if err := id.check(); err != nil {
		return entry{}, nil, err
	}
	e, err := s.read(ctx, id.key())
	if err != nil || !e.live() || e.revision != revision {
		return entry{}, nil, err
	}
	r, err := ParseRecord(e.value)
	return e, r, err
}

// won turns a lost race into false.
func won(err error) (bool, error) {
	if errors.Is(err, errLost) {
		return false, nil
	}
	return err == nil, err
}

// removeRejected purges a key as the client library does, and says why.
func (s *Store) removeRejected(ctx context.Context, key string, revision uint64) error {
	m := nats.NewMsg("$KV." + routing.BucketDevices + "." + key)
	m.Header.Set("KV-Operation", "PURGE")
	m.Header.Set("Nats-Rollup", "sub")
	m.Header.Set("Nats-Expected-Last-Subject-Sequence", strconv.FormatUint(revision, 10))
	m.Header.Set(headerRejected, "1")
	if s.marker > 0 {
		m.Header.Set("Nats-TTL", s.marker.String())
	}
	_, err := s.js.PublishMsg(ctx, m)
	return lost(err, "remove device key")
}
