package session

import (
	"context"
	"errors"
	"hash/maphash"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
)

// Server holds the connections of an edge.
type Server struct {
	// Static after construction.
	cfg     Config
	start   time.Time // the zero of session.now
	metrics *metrics
	hub     *Hub
	seed    maphash.Seed
	records *recorder
	writers *crew
	alone   alone

	profiles     profiles
	tokens       tokens
	busies       sync.Pool // of *busy
	buffers      sync.Pool // of *[]byte, for writers
	readers      sync.Pool // of *wire.Reader, for sessions that wait without one
	unidentified atomic.Int64
	draining     atomic.Pointer[time.Time] // until when devices are served; nil: nobody drains
	drained      atomic.Bool
	evacuating   atomic.Bool
}

// serving is one call of Serve: it owns the goroutines of the connections
// that it accepted.
type serving struct {
	srv *Server
	ctx context.Context // of Serve
	wg  sync.WaitGroup

	turns turns
}

// NewServer returns a server. The error wraps ErrConfig.
func NewServer(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	srv := &Server{cfg: cfg, start: time.Now(), metrics: newMetrics(cfg.Registerer), seed: maphash.MakeSeed()}
	srv.hub = newHub(srv.metrics, srv.answer)
	srv.records = newRecorder(cfg.Limits.DeviceWriters)
	srv.writers = newCrew(runtime.GOMAXPROCS(0), (*session).writeShared)
	srv.busies.New = func() any { return new(busy) }
	srv.buffers.New = func() any { return new([]byte) }
	srv.readers.New = func() any { return new(wire.Reader) }
	return srv, nil
}

// Hub returns the way to the sessions.
func (srv *Server) Hub() *Hub { return srv.hub }

// Serve holds the connections of a listener. When ctx ends it closes them
// with 3000 at once; to give devices time, Drain first. When the listener is
// closed it goes on until ctx ends or the last of them is gone. It returns
// after all of its goroutines have, with ctx's error or nil.
func (srv *Server) Serve(ctx context.Context, l transport.Listener) error {
	v := &serving{srv: srv, ctx: ctx}
	v.accept(l)
	gone := make(chan struct{})
	go func() {
		v.wg.Wait()
		close(gone)
	}()
	select {
	case <-gone:
	case <-ctx.Done():
		v.endAll()
		<-gone
	}
	v.turns.end()
	return ctx.Err()
}

// accept takes connections until the listener is closed or ctx ends.
func (v *serving) accept(l transport.Listener) {
	if d, ok := l.(transport.Direct); ok {
		_ = d.Each(v.ctx, v.hold) // it only says that one of the two is the case
		return
	}
	const first, most = 5 * time.Millisecond, time.Second
	pause := first
	for {
		conn, err := l.Accept(v.ctx)
		switch {
		case err == nil:
			pause = first
			v.wg.Go(func() { v.hold(conn) })
		case errors.Is(err, net.ErrClosed) || v.ctx.Err() != nil:
			return
		default:
			// Mostly a lack of file descriptors, which passes.
			v.srv.metrics.acceptErrors.Inc()
			v.srv.cfg.Log.Warn("connections cannot be accepted, trying again: mostly the process lacks file descriptors", "transport", string(l.Kind()), "error", err)
			sleep.For(v.ctx, pause)
			pause = min(2*pause, most)
		}
	}
}

// hold takes a connection from its acceptance to its end.
func (v *serving) hold(conn transport.Conn) {
	u := &unidentified{serving: v, conn: conn, reader: wire.NewReader(conn, wire.MaxHelloPayload)}
	s, over := u.greet()
	if over != nil {
		v.srv.metrics.refused.WithLabelValues(over.reason).Inc()
		closed{conn, over, u.back}.finish()
		return
	}
	transport.Welcomed(conn)
	if s.parks {
		if s.endTurn(true) {
			s.write() // Welcome; nobody else was to write it
		}
		v.wg.Add(1) // until finish
		conn.(transport.Parker).Park(s)
		return
	}
	// A new goroutine: the stack of this one has grown while it verified a
	// signature, and would stay that large for as long as the session is idle.
	v.wg.Go(s.run)
}

// endAll closes the sessions of this call.
func (v *serving) endAll() {
	for _, s := range v.srv.hub.all() {
		if s.serving == v {
			s.end(endShutdown, true)
		}
	}
}

// answer passes answers on to routers.
func (srv *Server) answer(replies []reply) {
	for _, r := range replies {
		srv.cfg.Registry.Answer(r.router, r.answer)
	}
}
