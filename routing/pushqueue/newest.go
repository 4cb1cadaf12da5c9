package pushqueue

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/jsapi"
)

// newest asks the stream's leader for the newest message of a subject, which may
// be a wildcard; sequence 0: there is none. A replica might not know yet of one that
// took its place.
func newest(ctx context.Context, nc *nats.Conn, subject string) (jsapi.Message, error) {
	return read(ctx, nc, routing.StreamPush, jsapi.Query{Last: subject})
}

// read asks a stream's leader for one message; sequence 0: there is none.
func read(ctx context.Context, nc *nats.Conn, stream string, q jsapi.Query) (jsapi.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, putAttempt)
	defer cancel()
	m, err := jsapi.Get(ctx, nc, stream, q)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return jsapi.Message{}, nil
	}
	if err != nil {
		return jsapi.Message{}, fmt.Errorf("read stream %s: %w", stream, err)
	}
	return m, nil
}
