package session

import (
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/heartbeat"
)

// session is a connection whose device has said Hello.
type session struct {
	// Static after construction.
	serving *serving
	conn    transport.Conn
	profile *profile
	ids     string // of user and device, one behind the other
	number  uint64
	epoch   int64
	next    *session // in the hub; guarded by its lock
	userLen uint8
	parks   bool // conn is a transport.Parker; see parked.go
	tries   bool // conn is a transport.Trier

	// Owned by run, or by Ready.
	finished bool
	view     heartbeat.View
	budget   frameBudget
	reader   *wire.Reader
	once     *oneRead      // what reader reads; see turn
	interval time.Duration // handed out last
	heard    time.Duration // when the device's last frame came
	armed    time.Duration // the read deadline; 0: none

	mu sync.Mutex

	// Guarded by mu.
	over       *ending       // nil until the session ends; see closing
	jwt        keptToken     // a secret; goes with relayed requests
	issued     int64         // the jwt's iat, in seconds since 1970
	warnAt     time.Duration // see lease
	wrote      time.Duration // when something was last taken out of the outbox
	quiet      string        // the kinds where nothing is under way; see busy
	*busy                    // nil: nothing is; see lock
	warned     bool
	registered bool
	background bool
	leaving    bool // a logout is under way
	turning    bool // somebody is at work, and writes when it is done; see beginTurn
	closed     bool // the connection; over is set
}

// device is whose session it is.
func (s *session) device() deviceKey {
	return deviceKey{s.profile.tenant, s.ids[:s.userLen], s.ids[s.userLen:]}
}

// now is the time since the server started; it never jumps.
func (s *session) now() time.Duration { return time.Since(s.serving.srv.start) }

func (s *session) issuedAt() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issued
}

func (s *session) cfg() *Config { return &s.serving.srv.cfg }

func (s *session) closingLocked() bool { return s.over != nil }

// run reads and handles frames until the session ends.
func (s *session) run() {
	if s.tries {
		s.runShared()
	}
	for s.arm() {
		s.step()
	}
	s.cfg().Heartbeat.Closed(time.Now(), &s.view, s.ended().network(), s.now()-s.heard)
}

// step reads and handles a frame. It reports false where none has come yet.
func (s *session) step() bool {
	f, err := s.reader.Next()
	var over *ending
	if err == nil {
		over = s.handle(f)
	} else {
		over = s.readFailed(err)
	}
	if over != nil {
		s.end(over, true)
	}
	return err == nil || over != nil
}

// handle takes up one frame. It does not block.
func (s *session) handle(f wire.Frame) *ending {
	now := s.now()
	s.cfg().Heartbeat.Heard(time.Now(), &s.view, now-s.heard)
	s.heard = now
	if !s.budget.spend(now, s.cfg().Limits.FramesPerSecond) {
		return endFrameRate
	}
	switch f := f.(type) {
	case *wire.Ping:
		return s.ping(f)
	case *wire.Ack:
		return s.acks([]wire.KindVersion{{Kind: f.Kind, Version: f.Version}})
	case *wire.Request:
		return s.request(f)
	case *wire.Network:
		s.cfg().Heartbeat.Move(time.Now(), &s.view, path(s.conn.Kind(), f.Body))
		return nil
	case *wire.State:
		s.state(f.Background)
		return nil
	case *wire.Token:
		return s.renew(f.Body)
	case *wire.Bye:
		return s.bye(f.Logout)
	case *wire.Unknown:
		return nil
	case *wire.Hello:
		return endSecondHello
	}
	return endWrongDirection
}

// ping answers with the next interval.
func (s *session) ping(f *wire.Ping) *ending {
	if over := s.acks(f.Versions); over != nil {
		return over
	}
	s.interval = s.nextInterval()
	s.lock()
	defer s.unlock()
	if !s.closingLocked() {
		s.out.pong = s.interval
		s.kickLocked()
	}
	return nil
}

// state takes up whether the application is in the background.
func (s *session) state(background bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.background != background {
		s.background = background
		if s.profile.platform == wirepb.Platform_PLATFORM_IOS {
			s.registerLocked()
		}
	}
}

// registerLocked announces the session, or its change. Holding mu keeps the
// calls to the registry in order.
func (s *session) registerLocked() {
	if s.closingLocked() {
		return
	}
	s.registered = true
	s.cfg().Registry.Register(Registration{
		Conn: s.number, Tenant: s.device().tenant, User: s.device().user, Device: s.device().device,
		Epoch:      s.epoch,
		Background: s.background && s.profile.platform == wirepb.Platform_PLATFORM_IOS,
		Platform:   platform(s.profile.platform),
	})
}

// bye ends the session, after the device's record is removed where it logs
// out.
func (s *session) bye(logout bool) *ending {
	if !logout {
		return endBye
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.leaving && !s.closingLocked() {
		s.leaving = true
		s.serving.wg.Go(s.logout)
	}
	return nil
}
