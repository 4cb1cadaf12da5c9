package devices

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/jsapi"
)

// attempts bounds how often a write is tried when others write the same key.
const attempts = 12

// ErrContended is returned when a key was written by others each time that
// this process tried: ask again later.
var ErrContended = errors.New("device record is being written by others, try again")

// errLost tells that the key's revision is no longer the one that was read.
var errLost = errors.New("revision changed")

// Store reads and writes device records. Its methods may be called from any
// number of goroutines.
type Store struct {
	// Static after construction.
	js     jetstream.JetStream
	kv     jetstream.KeyValue
	stream jetstream.Stream
	marker time.Duration
}

// Open finds the bucket, which routing.EnsureStreams creates.
func Open(ctx context.Context, js jetstream.JetStream) (*Store, error) {
	kv, err := js.KeyValue(ctx, routing.BucketDevices)
	if err != nil {
		return nil, fmt.Errorf("open key-value bucket %s: %w", routing.BucketDevices, err)
	}
	stream, err := js.Stream(ctx, routing.StreamDevices)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", routing.StreamDevices, err)
	}
	s := &Store{js: js, kv: kv, stream: stream}
	if c := stream.CachedInfo().Config; c.AllowMsgTTL {
		s.marker = c.SubjectDeleteMarkerTTL
	}
	return s, nil
}

// entry is the newest state of a key.
type entry struct {
	value    []byte
	revision uint64 // 0: the key was never written
	deleted  bool
	rejected bool // deleted because its token was rejected
	at       time.Time
}

func (e entry) live() bool { return e.revision != 0 && !e.deleted }

// read also returns delete markers: their revision is what the next write
// must expect, and their time tells late registrations from new ones.
//
// It asks the stream's leader. The client library would ask any replica, and one
// that lags behind does not know what this process has just written: a registration
// would then see its own claim of the token missing, and take its record for
// another's.
func (s *Store) read(ctx context.Context, key string) (entry, error) {
	m, err := jsapi.Get(ctx, s.js.Conn(), routing.StreamDevices, jsapi.Query{Last: "$KV." + routing.BucketDevices + "." + key})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return entry{}, nil
	}
	if err != nil {
		return entry{}, fmt.Errorf("read device key: %w", err)
	}
	e := entry{value: m.Data, revision: m.Sequence, at: m.At}
	e.deleted = m.Header.Get("KV-Operation") != "" || m.Header.Get("Nats-Marker-Reason") != ""
	e.rejected = m.Header.Get(headerRejected) != ""
	return e, nil
}

func (s *Store) write(ctx context.Context, key string, value []byte, revision uint64) error {
	_, err := s.kv.Update(ctx, key, value, revision)
	return lost(err, "write device key")
}

// remove leaves a marker; the bucket's own limit ends it.
func (s *Store) remove(ctx context.Context, key string, revision uint64) error {
	opts := []jetstream.KVDeleteOpt{jetstream.LastRevision(revision)}
	if s.marker > 0 {
		opts = append(opts, jetstream.PurgeTTL(s.marker))
	}
	return lost(s.kv.Purge(ctx, key, opts...), "remove device key")
}

// lost turns a refused revision into errLost.
func lost(err error, what string) error {
	switch {
	case err == nil:
		return nil
	case jsapi.WrongSequence(err):
		return errLost
	default:
		return fmt.Errorf("%s: %w", what, err)
	}
}

// retry repeats try while it loses to other writers.
func retry(ctx context.Context, try func() error) error {
	for n := range attempts {
		err := try()
		if !errors.Is(err, errLost) {
			return err
		}
		// Losers come back apart from one another.
		if !sleep.For(ctx, rand.N(time.Millisecond<<min(n, 6))) {
			return ctx.Err()
		}
	}
	return ErrContended
}
