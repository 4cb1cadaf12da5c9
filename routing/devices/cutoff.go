package devices

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// How long a cutoff is kept. Sessions need it until every edge heard of it,
// also one that was cut off for a while. Tokens need it until they expire by
// themselves: one that is valid for longer is taken again afterwards.
const (
	keepSessions = time.Hour
	KeepTokens   = 31 * 24 * time.Hour
)

// Cut stores what a backend ended, of a user or, where id has a device, of
// that one. It never takes back what an earlier call ended.
func (s *Store) Cut(ctx context.Context, id ID, c *linkpb.Cutoff) error {
	if err := id.checkCutoff(); err != nil {
		return err
	}
	key := routing.CutoffKey(id.Tenant, id.User, id.Device)
	return retry(ctx, func() error {
		e, err := s.read(ctx, key)
		if err != nil {
			return err
		}
		merged := &linkpb.Cutoff{SessionsMs: c.GetSessionsMs(), TokensS: c.GetTokensS()}
		if old, err := ParseCutoff(e.value); err == nil && e.live() {
			merged = Later(merged, old)
		}
		return s.putCutoff(ctx, key, merged, e.revision)
	})
}

func (s *Store) putCutoff(ctx context.Context, key string, c *linkpb.Cutoff, revision uint64) error {
	b, err := proto.Marshal(c)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	keep := keepSessions
	if c.GetTokensS() > 0 {
		keep = KeepTokens
	}
	msg := &nats.Msg{Subject: "$KV." + routing.BucketDevices + "." + key, Data: b}
	opts := []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(revision), jetstream.WithExpectStream(routing.StreamDevices)}
	if s.marker > 0 {
		opts = append(opts, jetstream.WithMsgTTL(keep))
	}
	_, err = s.js.PublishMsg(ctx, msg, opts...)
	return lost(err, "write cutoff")
}

// Cutoff reads what is over for a device, its user's cutoff included. It
// sees every Cut that returned before.
func (s *Store) Cutoff(ctx context.Context, id ID) (*linkpb.Cutoff, error) {
	if err := id.check(); err != nil {
		return nil, err
	}
	sum := &linkpb.Cutoff{}
	for _, device := range [...]string{"", id.Device} {
		e, err := s.read(ctx, routing.CutoffKey(id.Tenant, id.User, device))
		if err != nil {
			return nil, err
		}
		if !e.live() {
			continue
		}
		c, err := ParseCutoff(e.value)
		if err != nil {
			return nil, err
		}
		sum = Later(sum, c)
	}
	return sum, nil
}

// ParseCutoff reads a cutoff as the bucket stores it.
func ParseCutoff(b []byte) (*linkpb.Cutoff, error) {
	var c linkpb.Cutoff
	if err := proto.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("cutoff is not readable: %w", err)
	}
	return &c, nil
}

// Later returns what is over by either of two cutoffs; nil is none.
func Later(a, b *linkpb.Cutoff) *linkpb.Cutoff {
	return &linkpb.Cutoff{
		SessionsMs: max(a.GetSessionsMs(), b.GetSessionsMs()),
		TokensS:    max(a.GetTokensS(), b.GetTokensS()),
	}
}

func (id ID) checkCutoff() error {
	if id.Device != "" {
		return id.check()
	}
	for what, s := range map[string]string{"tenant": id.Tenant, "user": id.User} {
		if err := wire.CheckID(what, s); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	}
	return nil
}

// RemoveUser removes the records of all devices of a user that are stored by
// now, and frees their tokens.
func (s *Store) RemoveUser(ctx context.Context, tenant, user string) error {
	if err := (ID{Tenant: tenant, User: user}).checkCutoff(); err != nil {
		return err
	}
	ids, err := s.list(ctx, tenant, user)
	if err != nil {
		return err
	}
	for _, id := range ids {
		// Markers of records that went before are left as they are.
		if _, err := s.removeIf(ctx, id, func(r *linkpb.DeviceRecord) bool { return r != nil }); err != nil {
			return err
		}
	}
	return nil
}

// Records returns the records of a user's devices.
func (s *Store) Records(ctx context.Context, tenant, user string) (map[string]Record, error) {
	if err := (ID{Tenant: tenant, User: user}).checkCutoff(); err != nil {
		return nil, err
	}
	ids, err := s.list(ctx, tenant, user)
	if err != nil {
		return nil, err
	}
	out := make(map[string]Record)
	for _, id := range ids {
		r, err := s.Record(ctx, tenant, user, id.Device)
		if err != nil {
			return nil, err
		}
		if r.Found {
			out[id.Device] = r
		}
	}
	return out, nil
}

// RemoveUpTo removes a device's record unless a session later than epoch has
// written it.
func (s *Store) RemoveUpTo(ctx context.Context, id ID, epoch int64) error {
	if err := id.check(); err != nil {
		return err
	}
	_, err := s.removeIf(ctx, id, func(r *linkpb.DeviceRecord) bool { return r != nil && r.GetEpoch() <= epoch })
	return err
}

// list names the user's devices that have a key, markers included, as the
// stream's leader knows them.
func (s *Store) list(ctx context.Context, tenant, user string) ([]ID, error) {
	prefix := "$KV." + routing.BucketDevices + "."
	info, err := s.stream.Info(ctx, jetstream.WithSubjectFilter(prefix+routing.DeviceKey(tenant, user, "*")))
	if err != nil {
		return nil, fmt.Errorf("list a user's devices: %w", err)
	}
	ids := make([]ID, 0, len(info.State.Subjects))
	for subject := range info.State.Subjects {
		if id := parseID(subject[len(prefix)+len("d."):]); id != (ID{}) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
