package client

import (
	"fmt"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// read handles what the edge sends until the connection ends.
func (l *link) read() ending {
	for {
		f, err := l.reader.Next()
		if err != nil {
			return endOf(err)
		}
		l.beat.received()
		if c, ok := f.(*wire.Close); ok {
			return told(c.Code, c.Reason)
		}
		if err := l.handle(f); err != nil {
			return reset(err)
		}
	}
}

// handle never blocks. Its error ends the connection.
func (l *link) handle(f wire.Frame) error {
	switch f := f.(type) {
	case *wire.Pong:
		l.beat.setInterval(f.Interval)
	case *wire.Notify:
		return l.onNotify(f)
	case *wire.Probe:
		l.trySend(&wire.Ping{Answer: true})
	case *wire.Response:
		l.requests.answer(f)
	case *wire.GoAway:
		l.onGoAway(f.Body)
	case *wire.Unknown:
	default:
		return fmt.Errorf("%w: unexpected %s", errProtocol, f.Type())
	}
	return nil
}

func (l *link) onNotify(f *wire.Notify) error {
	kind, err := l.kinds.Name(f.Kind)
	if err != nil {
		return fmt.Errorf("%w: %w", errProtocol, err)
	}
	own := l.client.versions.get(kind)
	first := l.firstNotify(kind)
	switch {
	case f.Version > own:
		l.client.want(kind, f.Version, false)
	case f.Version < own && first:
		// What Hello said is ahead of the head: only a sync tells whether the
		// version has to go down.
		l.client.want(kind, f.Version, true)
	default:
		l.ack(kind, own)
	}
	return nil
}

// firstNotify reports whether the connection told of the kind for the first
// time. It remembers a bounded number of kinds.
func (l *link) firstNotify(kind string) bool {
	if l.notified[kind] || len(l.notified) >= 2*wire.MaxKinds {
		return false
	}
	l.notified[kind] = true
	return true
}

func (l *link) onGoAway(g *wirepb.GoAway) {
	if g.Cause == wirepb.GoAway_CAUSE_TOKEN_EXPIRED {
		l.client.renew(l, time.Duration(g.GraceMs)*time.Millisecond)
		return
	}
	select {
	case l.goAway <- g:
	default: // one is enough
	}
}
