package events

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
)

// AckWait is how long a reader may take over an event before it is handed out
// again.
const AckWait = time.Minute

// maxUnacked bounds the events of a tenant that are handed out and not
// acknowledged. Above it nothing more is handed out.
const maxUnacked = 5000

// ErrAck is returned for an acknowledgement that is none of the tenant's.
var ErrAck = errors.New("is not what an answer of Events gave as ack")

// Reader hands a tenant's events out, through one durable consumer a tenant.
// Backends have no JetStream of their own: whoever may pull from a consumer
// names the subject that its messages are delivered to, whatever they may
// publish to themselves. It may be used by many goroutines.
type Reader struct {
	// Static after construction.
	js jetstream.JetStream

	mu sync.Mutex
	// Guarded by mu. By tenant, made by the first call.
	consumers map[string]jetstream.Consumer
}

// NewReader returns a reader. js needs a router's permissions.
func NewReader(js jetstream.JetStream) *Reader {
	return &Reader{js: js, consumers: make(map[string]jetstream.Consumer)}
}

// Delivered is an event that was handed out.
type Delivered struct {
	// JSON is the CloudEvent.
	JSON []byte
	// Ack is what Done takes.
	Ack string
}

// Read returns up to limit of the tenant's events, oldest first. It waits for
// the first one, for up to wait. The tenant's name must be valid.
func (r *Reader) Read(ctx context.Context, tenant string, limit int, wait time.Duration) ([]Delivered, error) {
	c, err := r.consumer(ctx, tenant)
	if err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	got, err := fetch(waiting, c, limit)
	if err != nil {
		r.forget(tenant) // it may have been removed
		return nil, fmt.Errorf("read events: %w", err)
	}
	out := make([]Delivered, 0, limit)
	for m := range got.Messages() {
		out = append(out, Delivered{JSON: m.Data(), Ack: strings.TrimPrefix(m.Reply(), ackPrefix(tenant))})
	}
	if err := got.Error(); err != nil && len(out) == 0 && !over(err) {
		r.forget(tenant)
		return nil, fmt.Errorf("read events: %w", err)
	}
	return out, nil
}

func fetch(ctx context.Context, c jetstream.Consumer, limit int) (jetstream.MessageBatch, error) {
	if ctx.Err() != nil {
		return c.FetchNoWait(limit)
	}
	return c.Fetch(limit, jetstream.FetchContext(ctx))
}

// over reports an end that only says that there is nothing.
func over(err error) bool {
	for _, end := range []error{nats.ErrTimeout, jetstream.ErrNoMessages, context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}

// Done acknowledges events of the tenant. What is lost on the way is handed
// out again.
func (r *Reader) Done(tenant string, acks []string) error {
	for _, ack := range acks {
		if !validAck(ack) {
			return ErrAck
		}
	}
	for _, ack := range acks {
		if err := r.js.Conn().Publish(ackPrefix(tenant)+ack, []byte("+ACK")); err != nil {
			return fmt.Errorf("acknowledge an event: %w", err)
		}
	}
	return nil
}

func ackPrefix(tenant string) string {
	return "$JS.ACK." + routing.StreamEvents + "." + routing.EventsConsumer(tenant) + "."
}

// validAck holds an ack to the numbers that follow the consumer's name in an
// acknowledgement's subject.
func validAck(s string) bool {
	if len(s) == 0 || len(s) > 128 || s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return false
	}
	return strings.Trim(s, "0123456789.") == ""
}

func (r *Reader) consumer(ctx context.Context, tenant string) (jetstream.Consumer, error) {
	r.mu.Lock()
	c := r.consumers[tenant]
	r.mu.Unlock()
	if c != nil {
		return c, nil
	}
	c, err := r.js.CreateOrUpdateConsumer(ctx, routing.StreamEvents, jetstream.ConsumerConfig{
		Durable: routing.EventsConsumer(tenant), FilterSubject: routing.EventsOf(tenant),
		AckPolicy: jetstream.AckExplicitPolicy, DeliverPolicy: jetstream.DeliverAllPolicy,
		AckWait: AckWait, MaxDeliver: -1, MaxAckPending: maxUnacked, MaxWaiting: 512,
	})
	if err != nil {
		return nil, fmt.Errorf("consumer of a tenant's events: %w", err)
	}
	r.mu.Lock()
	r.consumers[tenant] = c
	r.mu.Unlock()
	return c, nil
}

func (r *Reader) forget(tenant string) {
	r.mu.Lock()
	delete(r.consumers, tenant)
	r.mu.Unlock()
}
