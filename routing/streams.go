package routing

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// MaxAckPending is how many events the routers may have open at once: a hard
// cap on rate times settling time.
const MaxAckPending = 100_000

// pushAckWait is for how long the jobs in the hands of a push worker that died
// wait for another one. A living worker keeps its jobs at a third of it.
const pushAckWait = 10 * time.Second

// StreamOptions say how much is kept and how often. Zero values are replaced
// by the defaults that are named.
type StreamOptions struct {
	// Replicas of every stream and consumer: 1, 3 or 5. Default 1.
	Replicas int
	// Keep is the number of messages kept of a user's kind: the catalog's
	// MaxKeep. Default MinKeep.
	Keep int
	// InboxMaxBytes bounds the log; a full log refuses new events.
	// Default 8 GiB.
	InboxMaxBytes int64
	// PushMaxBytes bounds the waiting push jobs; a full queue takes no more,
	// and events stay in the log. Routers leave the last twentieth to what takes
	// the place of a job that waits. Default 1 GiB.
	PushMaxBytes int64
	// PushDeadMaxBytes bounds the dead letters, of which the oldest go first.
	// Default 256 MiB.
	PushDeadMaxBytes int64
	// PushDeadMaxAge bounds their age. Default 14 days.
	PushDeadMaxAge time.Duration
	// EventsMaxBytes bounds the events for backends, of which the oldest go
	// first. Default 1 GiB.
	EventsMaxBytes int64
	// EventsMaxAge bounds their age. Default 7 days.
	EventsMaxAge time.Duration
	// DevicesMaxBytes bounds the device records. Default 4 GiB.
	DevicesMaxBytes int64
	// DevicesMarkerTTL is how long the marker of a removed record or of a
	// token's former key stays, which refuses registrations that were under
	// way. Without an end a device that changes its token again and again
	// would fill the bucket for everybody. At least 1 s. Default 1 hour.
	DevicesMarkerTTL time.Duration
	// CellsMaxBytes bounds what edges learned of networks. Default 128 MiB.
	CellsMaxBytes int64
	// DuplicateWindow is how long idempotency keys are remembered. The index
	// is kept in memory. Default 2 minutes.
	DuplicateWindow time.Duration
	// AckWait is how long a router may be silent about an event before
	// another one gets it. Default 4 s.
	AckWait time.Duration
	// Now is the clock for the first sequence. Default time.Now.
	Now func() time.Time
}

func (o StreamOptions) withDefaults() StreamOptions {
	def := func(p *int64, v int64) {
		if *p == 0 {
			*p = v
		}
	}
	o.Replicas = max(o.Replicas, 1)
	o.Keep = max(o.Keep, MinKeep)
	def(&o.InboxMaxBytes, 8<<30)
	def(&o.PushMaxBytes, 1<<30)
	def(&o.PushDeadMaxBytes, 256<<20)
	def((*int64)(&o.PushDeadMaxAge), int64(14*24*time.Hour))
	def(&o.EventsMaxBytes, 1<<30)
	def(&o.DevicesMaxBytes, 4<<30)
	def(&o.CellsMaxBytes, 128<<20)
	def((*int64)(&o.EventsMaxAge), int64(7*24*time.Hour))
	def((*int64)(&o.DevicesMarkerTTL), int64(time.Hour))
	def((*int64)(&o.DuplicateWindow), int64(2*time.Minute))
	def((*int64)(&o.AckWait), int64(4*time.Second))
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func (o StreamOptions) inbox() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: StreamInbox, Description: "hawser: the log of every user's events",
		Subjects: []string{InboxAll}, Storage: jetstream.FileStorage, Replicas: o.Replicas,
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew,
		MaxBytes: o.InboxMaxBytes, MaxMsgs: -1, MaxMsgsPerSubject: int64(o.Keep),
		AllowDirect: true, Duplicates: o.DuplicateWindow,
		// A stream that was lost and is made anew must not go backwards:
		// devices remember its numbers. 2^53 is reached in the year 2248.
		FirstSeq: uint64(o.Now().UnixMilli()) << 10,
	}
}

func (o StreamOptions) push() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: StreamPush, Description: "hawser: devices that may need a push",
		Subjects: []string{PushAll, PushLaterAll}, Storage: jetstream.FileStorage, Replicas: o.Replicas,
		// A newer job takes the place of the device's older one all the same;
		// but a full queue must not forget another device's push. The events
		// stay in the log until there is room.
		Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew,
		MaxBytes: o.PushMaxBytes, MaxMsgs: -1, MaxMsgsPerSubject: 1, AllowDirect: true,
		Duplicates: o.DuplicateWindow,
	}
}

// Dead letters are for the operator: the oldest go first.
func (o StreamOptions) pushDead() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: StreamPushDead, Description: "hawser: pushes that were given up",
		Subjects: []string{PushDeadAll}, Storage: jetstream.FileStorage, Replicas: o.Replicas,
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld,
		MaxBytes: o.PushDeadMaxBytes, MaxAge: o.PushDeadMaxAge, MaxMsgs: -1, MaxMsgsPerSubject: 1,
		AllowDirect: true, Duplicates: o.DuplicateWindow,
	}
}

func (o StreamOptions) events() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: StreamEvents, Description: "hawser: what backends are told",
		Subjects: []string{EventsAll}, Storage: jetstream.FileStorage, Replicas: o.Replicas,
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld,
		MaxBytes: o.EventsMaxBytes, MaxAge: o.EventsMaxAge, MaxMsgs: -1, MaxMsgsPerSubject: -1,
		AllowDirect: true, Duplicates: o.DuplicateWindow,
	}
}

func (o StreamOptions) devices() jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket: BucketDevices, Description: "hawser: registered devices and owners of push tokens",
		History: 1, Storage: jetstream.FileStorage, Replicas: o.Replicas, MaxBytes: o.DevicesMaxBytes,
		LimitMarkerTTL: o.DevicesMarkerTTL,
	}
}

// cellsMaxAge is how long nothing may be heard of a network before it is
// forgotten: what was learned has lost a thousandth part of its weight by then.
const cellsMaxAge = 14 * 24 * time.Hour

func (o StreamOptions) cells() jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket: BucketCells, Description: "hawser: what edges learned of networks",
		History: 1, Storage: jetstream.FileStorage, Replicas: o.Replicas, MaxBytes: o.CellsMaxBytes,
		TTL: cellsMaxAge, LimitMarkerTTL: o.DevicesMarkerTTL,
	}
}

func (o StreamOptions) routers() jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: ConsumerRouters, AckPolicy: jetstream.AckExplicitPolicy,
		DeliverPolicy: jetstream.DeliverAllPolicy, AckWait: o.AckWait, MaxDeliver: -1,
		MaxAckPending: MaxAckPending, Replicas: o.Replicas, MaxWaiting: 512,
	}
}

func (o StreamOptions) pushers() jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: ConsumerPush, AckPolicy: jetstream.AckExplicitPolicy, FilterSubject: PushAll,
		DeliverPolicy: jetstream.DeliverAllPolicy, AckWait: pushAckWait, MaxDeliver: -1,
		MaxAckPending: MaxAckPending, Replicas: o.Replicas, MaxWaiting: 512,
	}
}

// laterPushers hands each job out once, is told when to do so again, and waits
// with all of them at once: the stream bounds how many there are.
func (o StreamOptions) laterPushers() jetstream.ConsumerConfig {
	c := o.pushers()
	c.Durable, c.FilterSubject, c.MaxAckPending = ConsumerPushLater, PushLaterAll, -1
	return c
}
