package pushqueue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/jsapi"
)

// stored is a message of the stream; sequence 0: there is none.
type stored struct {
	subject  string
	sequence uint64
	data     []byte
	at       time.Time
}

// newest asks the stream's leader for the newest message of a subject, which may
// be a wildcard. A replica might not know yet of one that took its place.
func newest(ctx context.Context, nc *nats.Conn, subject string) (stored, error) {
	return read(ctx, nc, routing.StreamPush, jsapi.Query{Last: subject})
}

// read asks a stream's leader for one message.
func read(ctx context.Context, nc *nats.Conn, stream string, q jsapi.Query) (stored, error) {
	ctx, cancel := context.WithTimeout(ctx, putAttempt)
	defer cancel()
	m, err := jsapi.Get(ctx, nc, stream, q)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return stored{}, nil
	}
	if err != nil {
		return stored{}, fmt.Errorf("read stream %s: %w", stream, err)
	}
	return stored{subject: m.Subject, sequence: m.Sequence, data: m.Data, at: m.At}, nil
}
