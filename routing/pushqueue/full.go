package pushqueue

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/sleep"
)

// A full stream takes no more jobs. Where it is replicated it refuses the jobs,
// too, that take the place of one that waits (nats-server 2.15.2): news of what
// waits already, its release, its renewal. So routers leave the stream's last part
// to those, and none is stored in a new place from there on.

// ErrFull says that the stream, or the disks of NATS, have no room for a job. Keep
// the event and try again.
var ErrFull = errors.New("the queue of pushes is full")

const (
	// fullPause is for how long a job that found no room keeps its place among
	// those that are being stored, give or take half: so many routers ask no more
	// often than that, all their jobs together.
	fullPause = 4 * time.Second
	// fullFor is for how long no job is stored in a new place after one was refused.
	fullFor = time.Second
)

// room knows whether jobs may be stored in new places.
type room struct {
	// Static after construction.
	began time.Time
	low   func() bool // may be nil

	// refusedAt is when the stream refused a job, in nanoseconds since began; 0:
	// it has not yet.
	refusedAt atomic.Int64
}

func (r *room) refuse() { r.refusedAt.Store(int64(time.Since(r.began))) }

func (r *room) left() bool {
	at := time.Duration(r.refusedAt.Load())
	return (at == 0 || time.Since(r.began)-at >= fullFor) && (r.low == nil || !r.low())
}

// write leaves what room there is to jobs that wait already.
func (s *Store) write(ctx context.Context, j Job, subject string, expect uint64) error {
	if expect == 0 && !s.room.left() {
		return ErrFull
	}
	err := publish(ctx, s.js, j, subject, expect)
	if expect == 0 && errors.Is(err, ErrFull) {
		s.room.refuse()
	}
	return err
}

// awaitRoom keeps the job's place for a while.
func awaitRoom(ctx context.Context) { sleep.For(ctx, fullPause/2+rand.N(fullPause)) }

// noRoom: NATS has no code for a full stream alone.
func noRoom(err error) bool {
	const insufficientResources, storageExceeded, storeFailed = 10023, 10047, 10077
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode {
	case insufficientResources, storageExceeded, storeFailed:
		return true
	default:
		return false
	}
}
