package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
)

const (
	// rawStream is a twin of the log, with a twin of the routers' consumer.
	rawStream   = "RAW"
	rawConsumer = "RAWCONSUMER"
	// pullMessages is what a router pulls with.
	pullMessages = 2000
	// indexBytes at the front of an item are its user's number.
	indexBytes = 8
)

// The ways that are compared.
const (
	wayHawser = "hawser"
	wayRaw    = "raw"
)

// message is an event of a user's as the log stores it. On both ways it has
// the same headers, item and length of subject.
func message(way string, user, n int, size int) *nats.Msg {
	item := make([]byte, size)
	binary.LittleEndian.PutUint64(item, uint64(user))
	e := routing.Event{Tenant: tenant, User: userName(user), Kind: kind, ID: fmt.Sprintf("%s-%012d", way, n), Item: item}
	m := e.Message()
	if way == wayRaw {
		m.Subject = rawSubject(m.Subject)
	}
	return m
}

// rawSubject is the subject of the same event in the twin.
func rawSubject(inbox string) string { return "x" + inbox[1:] }

// hearRaw makes the twin of the log and consumes it as a router does, telling
// of each message. The caller calls ends.
func hearRaw(ctx context.Context, h hearing, tell heard) (ends func() error, err error) {
	nc, err := connect(ctx, h.NATSURL, h.Password)
	if err != nil {
		return nil, err
	}
	if err := consumeTwin(ctx, nc, tell); err != nil {
		nc.Close()
		return nil, fmt.Errorf("consume the stream to compare with: %w", err)
	}
	return func() error { nc.Close(); return nil }, nil
}

func consumeTwin(ctx context.Context, nc *nats.Conn, tell heard) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	consumer, err := twin(ctx, js)
	if err != nil {
		return err
	}
	_, err = consumer.Consume(func(m jetstream.Msg) {
		now := time.Now()
		if meta, err := m.Metadata(); err == nil && len(m.Data()) >= indexBytes {
			tell(int(binary.LittleEndian.Uint64(m.Data())), int64(meta.Sequence.Stream), now)
		}
		_ = m.Ack() // what is not acknowledged comes again, and is not counted twice
	}, jetstream.PullMaxMessages(pullMessages), jetstream.PullExpiry(10*time.Second))
	return err
}

func twin(ctx context.Context, js jetstream.JetStream) (jetstream.Consumer, error) {
	inbox, err := js.Stream(ctx, routing.StreamInbox)
	if err != nil {
		return nil, err
	}
	routers, err := inbox.Consumer(ctx, routing.ConsumerRouters)
	if err != nil {
		return nil, err
	}
	stream := inbox.CachedInfo().Config
	stream.Name, stream.Subjects = rawStream, []string{rawSubject(strings.Join(stream.Subjects, ""))}
	s, err := js.CreateOrUpdateStream(ctx, stream)
	if err != nil {
		return nil, err
	}
	consumer := routers.CachedInfo().Config
	consumer.Name, consumer.Durable = rawConsumer, rawConsumer
	return s.CreateOrUpdateConsumer(ctx, consumer)
}

// arrival is a version that a user's device, or the consumer, heard of.
type arrival struct {
	version int64
	at      time.Time
}

// ear gathers arrivals of one round.
type ear struct {
	mu sync.Mutex
	// Guarded by mu.
	byUser [][]arrival
	// busy users have an event under way.
	busy []bool

	// free are the users that have none. Its room is for all of them.
	free chan int
}

func newEar(users int) *ear {
	e := &ear{free: make(chan int, users)}
	e.reset(users)
	return e
}

func (e *ear) reset(users int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.byUser, e.busy = make([][]arrival, users), make([]bool, users)
	for len(e.free) > 0 {
		<-e.free
	}
	for u := range users {
		e.free <- u
	}
}

func (e *ear) hear(user int, version int64, at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if user < 0 || user >= len(e.byUser) {
		return
	}
	e.byUser[user] = append(e.byUser[user], arrival{version, at})
	if e.busy[user] {
		e.busy[user] = false
		e.free <- user
	}
}

func (e *ear) begin(user int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.busy[user] = true
}

// heard returns a user's arrivals so far.
func (e *ear) heard(user int) []arrival {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.byUser[user]
}
