// Package reach finds out that a connection's NATS server is cut off from the
// other servers of its cluster. Such a server answers its clients' pings, so
// that they stay with it, and hands them nothing of what happens elsewhere.
package reach

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// deafBeats is how many beats in a row another server must have handed out
	// none of, and deafFor how long none, to be taken for cut off: a route that
	// is behind, or a process that stood still, brings them late.
	deafBeats = 4
	deafFor   = 3500 * time.Millisecond
	// moveEvery is the least time between two moves of a connection.
	moveEvery = 10 * time.Second
)

// Config of a Watch.
type Config struct {
	// Conn is the connection that is to leave a server that is cut off.
	Conn *nats.Conn
	// Others are connections to other servers, as far as there are any: what
	// is published over Conn should be heard over them. They stay where they
	// are.
	Others []*nats.Conn
	// Subject is one that this process publishes to over Conn about once a
	// second, and that nobody else publishes to.
	Subject string
	// CutOff is called once a beat for each of Others whose server is cut off
	// from most of the others, and has old answers at best; nil: nobody is told.
	CutOff func(*nats.Conn)
	// Moved is called for each move, with the name of the server that was left;
	// nil: nobody is told.
	Moved func(server string)
	// Log; nil: none.
	Log *slog.Logger
}

// A Watch listens, over each connection, to what its process publishes over
// one of them. Where that connection's own server hands it out and most of the
// others do not, it has the connection moved to another server. It needs
// connections to three servers at least to tell who is cut off from whom.
type Watch struct {
	// Static after construction.
	cfg Config

	mu sync.Mutex
	// Guarded by mu.
	others  []other
	movedAt time.Time
	// here is the server that the last beat went to.
	here string
}

// other is what is known of one of the other connections.
type other struct {
	nc *nats.Conn
	// server is the id of the one that it is connected to; empty: none.
	server string
	// beats is how many were published since it was connected there, or heard
	// one, and since is when that was.
	beats int
	since time.Time
}

// New returns a watch that does nothing until Run.
func New(cfg Config) *Watch {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.CutOff == nil {
		cfg.CutOff = func(*nats.Conn) {}
	}
	if cfg.Moved == nil {
		cfg.Moved = func(string) {}
	}
	w := &Watch{cfg: cfg}
	for _, nc := range cfg.Others {
		w.others = append(w.others, other{nc: nc})
	}
	return w
}

// Run watches until ctx ends. It fails only where a connection is closed.
func (w *Watch) Run(ctx context.Context) error {
	var subs []*nats.Subscription
	defer func() {
		for _, s := range subs {
			_ = s.Unsubscribe() // fails only where the connection is closed
		}
	}()
	listen := func(nc *nats.Conn, heard func(time.Time)) error {
		s, err := nc.Subscribe(w.cfg.Subject, func(*nats.Msg) { heard(time.Now()) })
		if err != nil {
			return fmt.Errorf("listen to %s: %w", w.cfg.Subject, err)
		}
		subs = append(subs, s)
		return nil
	}
	for i, nc := range w.cfg.Others {
		if err := listen(nc, func(now time.Time) { w.heard(i, now) }); err != nil {
			return err
		}
	}
	if err := listen(w.cfg.Conn, w.beat); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// heard notes that one of the others hears.
func (w *Watch) heard(i int, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.others[i].beats, w.others[i].since = 0, now
}

// beat counts what the connection's own server handed out, and moves the
// connection where most other servers did not.
func (w *Watch) beat(now time.Time) {
	here := w.cfg.Conn.ConnectedServerId()
	w.mu.Lock()
	if here != w.here { // what was not heard of another one says nothing of it
		w.here = here
		for i := range w.others {
			w.others[i].server = ""
		}
	}
	for i := range w.others {
		w.others[i].missed(w.others[i].nc.ConnectedServerId(), now)
	}
	deaf, hearing := count(w.others, here, now)
	cutOff := w.cutOffLocked(here, deaf, hearing, now)
	move := here != "" && deaf > hearing+1 && now.Sub(w.movedAt) >= moveEvery
	if move {
		w.movedAt = now
	}
	w.mu.Unlock()
	for _, nc := range cutOff {
		w.cfg.CutOff(nc)
	}
	if !move {
		return
	}
	server := w.cfg.Conn.ConnectedServerName()
	w.cfg.Log.Warn("this process's NATS server is cut off from the others: another one is taken. Look at the routes between the NATS servers",
		"server", server, "url", w.cfg.Conn.ConnectedUrlRedacted(), "servers_that_hear_nothing", deaf, "servers_that_hear", hearing)
	if err := w.cfg.Conn.ForceReconnect(); err != nil {
		w.cfg.Log.Warn("the NATS server was not left", "error", err)
		return
	}
	w.cfg.Moved(server)
}

// cutOffLocked are those of the others whose servers are fewer than the rest.
func (w *Watch) cutOffLocked(here string, deaf, hearing int, now time.Time) (cutOff []*nats.Conn) {
	if here == "" || deaf == hearing+1 {
		return nil // nobody knows which half it is
	}
	for i := range w.others {
		o := &w.others[i]
		if far := o.server != here && !o.hears(now); o.server != "" && far == (deaf < hearing+1) {
			cutOff = append(cutOff, o.nc)
		}
	}
	return cutOff
}

// missed notes a beat that the connection has not heard yet.
func (o *other) missed(server string, now time.Time) {
	if server != o.server {
		o.server, o.beats, o.since = server, 0, now
	}
	o.beats++
}

func (o *other) hears(now time.Time) bool {
	return o.beats < deafBeats || now.Sub(o.since) < deafFor
}

// count tells the other servers apart by what they heard. One that was connected
// to just now counts as one that hears.
func count(others []other, here string, now time.Time) (deaf, hearing int) {
	hears := map[string]bool{} // by server
	for _, o := range others {
		if o.server != "" && o.server != here {
			hears[o.server] = hears[o.server] || o.hears(now)
		}
	}
	for _, h := range hears {
		if h {
			hearing++
		} else {
			deaf++
		}
	}
	return deaf, hearing
}
