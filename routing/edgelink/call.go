package edgelink

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing"
)

// Router names a complete router that beat within Timing.Fresh, at random: one
// of the edge's own site if there is any, and besides only if there is no other.
// Empty: none is known. It may be called at any time.
func (l *Link) Router(besides string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.presence.fresh(l.cfg.Site, besides, l.cfg.Timing.Fresh, time.Now())
}

// call makes one attempt of a request to a router. One that has left costs no
// attempt: the group is asked at once.
func (l *Link) call(ctx context.Context, aim *routing.Aim, req, resp proto.Message) error {
	data, err := proto.Marshal(req)
	if err != nil {
		return err
	}
	subject := aim.Next()
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Timing.Request*time.Duration(min(aim.Asked(), 2)))
	defer cancel()
	msg, err := l.cfg.Conn.RequestWithContext(ctx, subject, data)
	if errors.Is(err, nats.ErrNoResponders) && aim.Elsewhere() {
		msg, err = l.cfg.Conn.RequestWithContext(ctx, aim.Next(), data)
	}
	if err != nil {
		return err
	}
	return proto.Unmarshal(msg.Data, resp)
}
