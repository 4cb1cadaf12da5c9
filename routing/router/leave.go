package router

import (
	"time"

	"github.com/hawser-edge/hawser/routing/dispatch"
)

// flushWait bounds the wait for the last words to reach NATS.
const flushWait = time.Second

// beginLeave returns what is held, and everything that still arrives.
func (l *loop) beginLeave() {
	l.leaving = true
	l.d.Leave()
	l.fx.forget()
	l.complete = false
	l.subs.shut()
	l.beat(time.Now(), true)
	l.r.cfg.Log.Info("router leaves: its events are returned")
}

// left is closed when no more events arrive after a beginLeave.
func (l *loop) left() chan struct{} {
	if !l.leaving {
		return nil
	}
	return l.r.drained
}

func (l *loop) finishLeave() {
	for more := true; more; {
		var m dispatch.Message
		select {
		case m = <-l.r.messages:
			l.fx.Nak(m.Receipt)
		default:
			more = false
		}
	}
	l.flush(time.Now())
	l.beat(time.Now(), true)
	if err := l.r.cfg.Conn.FlushTimeout(flushWait); err != nil {
		l.r.cfg.Log.Warn("leaving without NATS: events come back after their wait", "error", err)
	}
}
