package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
)

const (
	// rawStream is a twin of the log, with a twin of the routers' consumer.
	rawStream   = "RAW"
	rawConsumer = "RAWCONSUMER"
	// besideConsumer pulls what the routers' consumer does, beside it.
	besideConsumer = "RATETEST"
	// pullMessages is what a router pulls with.
	pullMessages = 2000
	// indexBytes at the front of an item are its user's number.
	indexBytes = 8
)

// The ways that are compared.
const (
	wayHawser = "hawser"
	wayRaw    = "raw"
	// wayBeside is raw for the very events that hawser carries meanwhile.
	wayBeside = "beside"
)

// event is one of a user's.
func event(way string, user, n int, size int) routing.Event {
	item := make([]byte, size)
	binary.LittleEndian.PutUint64(item, uint64(user))
	return routing.Event{Tenant: tenant, User: userName(user), Kind: kind, ID: fmt.Sprintf("%s-%012d", way, n), Item: item}
}

// rawMessage is an event as the twin stores it: with the headers and the item
// that the log has, under a subject that is as long.
func rawMessage(e routing.Event) *nats.Msg {
	m := e.Message()
	m.Subject = rawSubject(m.Subject)
	return m
}

// rawSubject is the subject of the same event in the twin.
func rawSubject(inbox string) string { return "x" + inbox[1:] }

// hearRaw consumes the twin of the log, or the log beside the routers, as a
// router does, telling of each message. It must be there; see makeTwin and
// makeBeside. The caller calls ends.
func hearRaw(ctx context.Context, h hearing, tell heard) (ends func() error, err error) {
	nc, err := connect(ctx, h.NATSURL, h.Password)
	if err != nil {
		return nil, err
	}
	if err := consumeRaw(ctx, nc, h.Way, tell); err != nil {
		nc.Close()
		return nil, fmt.Errorf("consume the stream to compare with: %w", err)
	}
	return func() error { nc.Close(); return nil }, nil
}

func consumeRaw(ctx context.Context, nc *nats.Conn, way string, tell heard) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	stream, name := rawStream, rawConsumer
	if way == wayBeside {
		stream, name = routing.StreamInbox, besideConsumer
	}
	consumer, err := js.Consumer(ctx, stream, name)
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

// makeTwin makes the twin of the log and of its consumer.
func makeTwin(ctx context.Context, js jetstream.JetStream) error {
	inbox, consumer, err := logged(ctx, js)
	if err != nil {
		return err
	}
	stream := inbox.CachedInfo().Config
	stream.Name, stream.Subjects = rawStream, []string{rawSubject(strings.Join(stream.Subjects, ""))}
	s, err := js.CreateOrUpdateStream(ctx, stream)
	if err != nil {
		return err
	}
	consumer.Name, consumer.Durable = rawConsumer, rawConsumer
	_, err = s.CreateOrUpdateConsumer(ctx, consumer)
	return err
}

// makeBeside makes a twin of the routers' consumer on the log itself, for what
// comes from now on. The caller calls removeBeside: a consumer that nobody
// pulls costs the servers work for each event.
func makeBeside(ctx context.Context, js jetstream.JetStream) error {
	inbox, consumer, err := logged(ctx, js)
	if err != nil {
		return err
	}
	consumer.Name, consumer.Durable = besideConsumer, besideConsumer
	consumer.DeliverPolicy = jetstream.DeliverNewPolicy
	_, err = inbox.CreateConsumer(ctx, consumer)
	return err
}

func removeBeside(ctx context.Context, js jetstream.JetStream) error {
	return js.DeleteConsumer(ctx, routing.StreamInbox, besideConsumer)
}

// logged is the log, and how the routers' consumer is configured.
func logged(ctx context.Context, js jetstream.JetStream) (jetstream.Stream, jetstream.ConsumerConfig, error) {
	inbox, err := js.Stream(ctx, routing.StreamInbox)
	if err != nil {
		return nil, jetstream.ConsumerConfig{}, err
	}
	routers, err := inbox.Consumer(ctx, routing.ConsumerRouters)
	if err != nil {
		return nil, jetstream.ConsumerConfig{}, err
	}
	return inbox, routers.CachedInfo().Config, nil
}
