// Package replies collects the answers to many NATS requests over one
// subscription. nats.go does so for requests with one answer under a subject
// of its choosing; hawser also needs answers of many messages, and reply
// subjects whose tokens permissions can be written for.
package replies

import (
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// Mux owns one wildcard subscription.
type Mux struct {
	// Static after construction.
	prefix string
	sub    *nats.Subscription
	limit  int

	// Dropped counts answers that nobody waited for, or that came in greater
	// number than was asked for.
	dropped atomic.Uint64

	// Guarded by mu.
	mu   sync.Mutex
	open map[string]*Call
}

// Call is one request's mailbox.
type Call struct {
	// Static after construction.
	m     *Mux
	token string
	// Reply is the subject to name as the request's reply.
	Reply string
	// C receives the answers. It is never closed.
	C chan *nats.Msg
}

// New subscribes to prefix+".>". At most limit calls are open at once.
func New(nc *nats.Conn, prefix string, limit int) (*Mux, error) {
	m := &Mux{prefix: prefix, limit: limit, open: map[string]*Call{}}
	sub, err := nc.Subscribe(prefix+".>", m.deliver)
	if err != nil {
		return nil, fmt.Errorf("subscribe to %s.>: %w", prefix, err)
	}
	m.sub = sub
	return m, nil
}

// Open makes a mailbox for up to n answers under prefix[.infix]; infix may be
// empty. It reports false when too many are open already. Who sees the reply
// subject of one call can not tell that of another: they go to different
// tenants.
func (m *Mux) Open(infix string, n int) (*Call, bool) {
	token := rand.Text()
	c := &Call{m: m, token: token, Reply: m.prefix + "." + token, C: make(chan *nats.Msg, n)}
	if infix != "" {
		c.Reply = m.prefix + "." + infix + "." + token
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.open) >= m.limit {
		return nil, false
	}
	m.open[token] = c
	return c, true
}

// Close forgets the mailbox: later answers are dropped and counted.
func (c *Call) Close() {
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	delete(c.m.open, c.token)
}

// Dropped is how many answers were dropped since the start.
func (m *Mux) Dropped() uint64 { return m.dropped.Load() }

// Pending is how many calls are open.
func (m *Mux) Pending() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.open)
}

// Close ends the subscription. Open calls hear nothing more.
func (m *Mux) Close() error { return m.sub.Unsubscribe() }

func (m *Mux) deliver(msg *nats.Msg) {
	token := msg.Subject[strings.LastIndexByte(msg.Subject, '.')+1:]
	m.mu.Lock()
	c := m.open[token]
	m.mu.Unlock()
	if c == nil || c.Reply != msg.Subject {
		m.dropped.Add(1)
		return
	}
	select {
	case c.C <- msg:
	default:
		m.dropped.Add(1)
	}
}
