package session

import (
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
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
	next    *session     // in the hub; guarded by its lock
	roams   *whereabouts // what it points to is guarded by mu; nil: conn is no transport.Trier
	userLen uint8
	parks   bool // conn is a transport.Parker; see parked.go

	// Guarded by mu; it stands here because there is room.
	closed bool // the connection; over is set

	// Owned by run, or by Ready.
	finished bool
	budget   frameBudget
	reader   *wire.Reader
	once     *oneRead      // what reader reads; see turn
	armed    time.Duration // the read deadline; 0: none

	mu sync.Mutex

	// Guarded by mu.
	over   *ending       // nil until the session ends; see closing
	jwt    keptToken     // a secret; goes with relayed requests
	warnAt time.Duration // see lease
	heard  time.Duration // when the device's last frame came
	wrote  time.Duration // when something was last taken out of the outbox
	beats
	issued     uint32 // the jwt's iat, in seconds since 1970, as far as they go
	warned     bool
	registered bool
	leaving    bool   // a logout is under way
	turning    bool   // somebody is at work, and writes when it is done; see beginTurn
	quiet      string // the kinds where nothing is under way; see busy
	*busy             // nil: nothing is; see lock
}

// device is whose session it is.
func (s *session) device() deviceKey {
	return deviceKey{s.profile.tenant, s.ids[:s.userLen], s.ids[s.userLen:]}
}

// tries reports whether conn is a transport.Trier: QUIC.
func (s *session) tries() bool { return s.roams != nil }

// now is the time since the server started; it never jumps.
func (s *session) now() time.Duration { return time.Since(s.serving.srv.start) }

func (s *session) issuedAt() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(s.issued)
}

func (s *session) cfg() *Config { return &s.serving.srv.cfg }

func (s *session) closingLocked() bool { return s.over != nil }

// run reads and handles frames until the session ends.
func (s *session) run() {
	if s.tries() {
		s.runShared()
	}
	for s.arm() {
		s.step()
	}
	s.closeView()
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
	now, picksUp := s.heardFrame(f)
	if picksUp {
		defer s.pickUp() // behind the answer, so that both go in one
	}
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
		s.moved(f.Body)
		return nil
	case *wire.State:
		s.state(f)
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
	s.lock()
	defer s.unlock()
	s.handOutLocked()
	return nil
}

// state takes up what the application does. A device that cannot beat, or can
// again, is told what interval holds from now on.
func (s *session) state(f *wire.State) {
	s.lock()
	defer s.unlock()
	if s.spared.has(background) == f.Background && s.spared.has(asleep) == f.Asleep {
		return
	}
	before := s.muteLocked()
	s.spared.set(background, f.Background)
	s.spared.set(asleep, f.Asleep)
	s.cfg().Heartbeat.Shift(time.Now(), &s.view, s.stateLocked())
	if s.muteLocked() != before {
		s.registerLocked()
		s.handOutLocked()
	}
}

// registerLocked announces the session, or its change. Holding mu keeps the
// calls to the registry in order.
func (s *session) registerLocked() {
	if s.closingLocked() {
		return
	}
	s.registered = true
	who := s.device()
	s.cfg().Registry.Register(Registration{
		Conn: s.number, Tenant: who.tenant, User: who.user, Device: who.device,
		Epoch:      s.epoch,
		Background: s.muteLocked(),
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
