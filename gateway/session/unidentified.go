package session

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// unidentified is a connection that has not said Hello. It is all there is of
// it: nobody else can find it or send it anything.
type unidentified struct {
	serving *serving
	conn    transport.Conn
	reader  *wire.Reader
	back    *wirepb.ComeBack // see closed
}

// greet waits for Hello. It returns a session that is in the hub and
// registered, with its Welcome on the way; its run has to be called. Otherwise
// it returns why not.
func (u *unidentified) greet() (*session, *ending) {
	srv := u.serving.srv
	waiting := srv.unidentified.Add(1)
	defer func() { srv.metrics.unidentified.Set(float64(srv.unidentified.Add(-1))) }()
	srv.metrics.unidentified.Set(float64(waiting))
	if waiting > int64(srv.cfg.Limits.MaxUnidentified) {
		return nil, endBusy
	}
	// The end of Serve does not wait for a Hello.
	stop := context.AfterFunc(u.serving.ctx, func() { _ = u.conn.SetReadDeadline(time.Now()) })
	defer stop()
	hello, over := u.hello(srv.helloTimeout(waiting))
	if over != nil {
		return nil, over
	}
	return u.identify(hello)
}

// helloTimeout is shorter where many wait: those who mean to say Hello have
// mostly said it in a fifth of the time.
func (srv *Server) helloTimeout(waiting int64) time.Duration {
	l := &srv.cfg.Limits
	if waiting > int64(l.MaxUnidentified)/2 {
		return l.HelloTimeout / 5
	}
	return l.HelloTimeout
}

// hello reads the first frame.
func (u *unidentified) hello(within time.Duration) (*wirepb.Hello, *ending) {
	_ = u.conn.SetReadDeadline(time.Now().Add(within))
	if u.serving.ctx.Err() != nil {
		return nil, endShutdown
	}
	f, err := u.reader.Next()
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && u.serving.ctx.Err() != nil:
		return nil, endShutdown
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, endHelloTimeout
	case err != nil:
		return nil, readEnding(err)
	}
	hello, ok := f.(*wire.Hello)
	if !ok {
		return nil, endNotHello
	}
	return hello.Body, nil
}

// identify turns a Hello into a session.
func (u *unidentified) identify(hello *wirepb.Hello) (*session, *ending) {
	srv := u.serving.srv
	if srv.drained.Load() {
		return nil, endShutdown
	}
	if srv.evacuating.Load() {
		return nil, endIsland
	}
	// Before the token: by a wrong clock a good one has expired, and the
	// device would not try again before its application acts.
	if srv.cfg.Clock.State() == ClockWrong {
		return nil, endEdgeClock
	}
	now := srv.cfg.Clock.Now()
	id, over := u.verify(hello, now)
	if over != nil {
		return nil, over
	}
	kinds := srv.cfg.Kinds(id.Tenant)
	if kinds == nil {
		return nil, endTenant
	}
	s := u.session(hello, id, kinds, now)
	before := s.open(hello, id, now)
	if before != nil {
		before.end(endSuperseded, true)
	}
	// Whoever asks or ends all sessions may have looked before this one came.
	if end := srv.draining.Load(); end != nil {
		s.goAway(time.Until(*end), drainReason)
	}
	if srv.drained.Load() || u.serving.ctx.Err() != nil {
		s.end(endShutdown, true)
	}
	srv.metrics.opened.WithLabelValues(string(u.conn.Kind())).Inc()
	srv.cfg.Log.Debug("session opened", "conn", s.number, "tenant", id.Tenant, "user", id.User, "device", id.Device,
		"transport", string(u.conn.Kind()), "epoch", s.epoch)
	return s, nil
}

// errNotAdmitted is for a token that gate 2 does not let through.
var errNotAdmitted = errors.New("not admitted")

// verify asks gate 2 before it looks at the token's signature: to turn a device
// away has to be cheap.
func (u *unidentified) verify(hello *wirepb.Hello, now time.Time) (token.Identity, *ending) {
	srv := u.serving.srv
	var over *ending
	id, err := srv.cfg.Verifier.VerifyIf(hello.Token, now, func(claimed token.Identity) error {
		if over = u.admit(hello, claimed, now); over != nil {
			return errNotAdmitted
		}
		return nil
	})
	if err != nil && over == nil {
		over = srv.tokenEnding(err)
	}
	return id, over
}

// admit asks gate 2. A token that says itself that it has expired goes no
// further: its device would wait for a slot, and use it up, for nothing.
func (u *unidentified) admit(hello *wirepb.Hello, claimed token.Identity, now time.Time) *ending {
	srv := u.serving.srv
	full := srv.full(u.conn.Kind())
	if !full && len(hello.Slot) == 0 && srv.cfg.Admission.Newcomer(now) {
		return nil
	}
	if !claimed.ExpiresAt.IsZero() && claimed.Expired(now) {
		return srv.tokenEnding(token.ErrExpired)
	}
	who := claimed.Tenant + "/" + claimed.User + "/" + claimed.Device
	a := srv.cfg.Admission.Ask(now, who, hello.Slot, full)
	if a.Admitted {
		return nil
	}
	if a.Slot != nil {
		u.back = &wirepb.ComeBack{WaitMs: a.Wait.Milliseconds(), Slot: a.Slot}
	}
	return endBusy
}

// full reports whether there is no room for one more session.
func (srv *Server) full(kind transport.Kind) bool {
	limit := srv.cfg.Limits.MaxConns
	if limit > 0 && srv.hub.Count() >= limit {
		srv.cfg.Log.Warn("as many sessions as there may be, more devices are told to come back later", "sessions", limit)
		return true
	}
	return srv.cfg.Full(kind)
}

// session makes the session that takes over the connection.
func (u *unidentified) session(hello *wirepb.Hello, id token.Identity, kinds wire.Kinds, now time.Time) *session {
	limits := &u.serving.srv.cfg.Limits
	u.reader.SetMaxPayload(limits.MaxFrame)
	s := &session{
		serving: u.serving, conn: u.conn, reader: u.reader,
		profile: u.serving.srv.profiles.of(id.Tenant, hello.App, hello.Platform, kinds),
		ids:     id.User + id.Device, userLen: uint8(len(id.User)),
		jwt: u.serving.srv.tokens.keep(hello.Token), issued: seconds(id.IssuedAt),
	}
	_, s.parks = u.conn.(transport.Parker)
	if _, tries := u.conn.(transport.Trier); tries {
		s.roams = &whereabouts{}
	}
	s.heard = s.now()
	s.leaseLocked(id.ExpiresAt.Sub(now)) // nobody else has it yet
	s.openView(hello)
	return s
}

// open puts the session into the hub, registers it and sends Welcome, in one
// step for everybody else: whoever finds it waits for mu, so that Welcome is
// the first frame. It returns the device's session before this one.
func (s *session) open(hello *wirepb.Hello, id token.Identity, now time.Time) (before *session) {
	cfg := s.cfg()
	s.lock()
	defer s.unlock()
	s.turning = s.parks // hold writes Welcome, and what comes meanwhile
	before = s.serving.srv.hub.add(s, now, previousEpoch(cfg.TicketKey, id, hello.ResumeTicket))
	s.claimLocked(hello.Versions)
	s.registerLocked()
	s.putRecordLocked(hello.PushToken)
	_ = s.queueLocked(&wire.Welcome{Body: &wirepb.Welcome{
		Epoch:        s.epoch,
		IntervalMs:   int64(s.interval),
		ResumeTicket: newTicket(cfg.TicketKey, id, s.epoch),
		Limits: &wirepb.Limits{
			MaxFrameBytes: int64(cfg.Limits.MaxFrame),
			MaxRequests:   int64(cfg.Limits.MaxRequests),
			RequestsPerS:  int64(cfg.Limits.RequestsPerSecond),
		},
		ReconnectSpreadMs: cfg.ReconnectSpread.Milliseconds(),
		Kinds:             s.profile.kinds,
		Edge:              cfg.Edge,
	}})
	return before
}

// claimLocked takes up the versions of Hello. They are claims until a router
// names the heads; see kindState.
func (s *session) claimLocked(versions []*wirepb.KindVersion) {
	for _, v := range versions {
		if v.Version == 0 {
			continue
		}
		if k := s.deviceKindLocked(v.Kind); k != nil {
			k.hello(v.Version)
		}
	}
}

// tokenEnding is the ending for a token that is refused. The errors are made
// to be shown to the application's makers.
func (srv *Server) tokenEnding(err error) *ending {
	if !errors.Is(err, token.ErrExpired) {
		return endToken.with(err.Error())
	}
	if srv.cfg.Clock.State() != ClockRight {
		return endEdgeClock
	}
	return endTokenExpired.with(err.Error())
}
