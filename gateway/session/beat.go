package session

import (
	"math/rand/v2"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/heartbeat"
)

// The engine of heartbeats decides; the session tells it what passes and when,
// sends its probes, and knows which of the two spoke first after a silence.

const (
	// answerWithin is for how long a device's Ping that does not say so is
	// taken for the answer to a Probe. A device that did not get the Probe
	// beats by itself, 8 s after it.
	answerWithin = 6 * time.Second
	// afterProbe is when the frame of a device is due that got a Probe, or did
	// not.
	afterProbe = 8 * time.Second
	// lateProbe is how late a Probe is whose answer may be mistaken for a beat
	// that comes afterProbe behind the time when the Probe was due.
	lateProbe = afterProbe - answerWithin
)

// beats is what a session keeps for the engine. Guarded by the session's mu.
type beats struct {
	view     heartbeat.View
	interval millis // handed out last
	probe    steps  // the silence after which a Probe is due; 0: none
	asked    asking
	spared   sparing
}

// asking says what a session waits for.
type asking uint8

const (
	nothing asking = iota
	answer         // a Probe is on its way, or its answer
	// perhaps is that too, but the Probe was so late that a Ping may as well be
	// the device's own beat, which crossed it.
	perhaps
)

// millis is a time in milliseconds, up to 49 days.
type millis uint32

func (m millis) duration() time.Duration { return time.Duration(m) * time.Millisecond }

// steps is a time in steps that are short enough for silences, up to 34 minutes.
type steps uint16

const step = 32 * time.Millisecond

func (s steps) duration() time.Duration { return time.Duration(s) * step }

// stepsOf is 0 for less than a step.
func stepsOf(d time.Duration) steps { return steps(min(max(d/step, 0), 1<<16-1)) }

// scaled is a time of heartbeats as it passes here.
func (srv *Server) scaled(d time.Duration) time.Duration {
	return d / time.Duration(srv.cfg.HeartbeatScale)
}

// deadline is heartbeat.Deadline as time passes here.
func (srv *Server) deadline(interval time.Duration) time.Duration {
	return srv.scaled(heartbeat.Deadline(interval * time.Duration(srv.cfg.HeartbeatScale)))
}

// openView begins what the engine keeps.
func (s *session) openView(hello *wirepb.Hello) {
	addr := s.conn.RemoteAddr()
	s.spared.set(background, hello.Background)
	s.spared.set(asleep, hello.Asleep)
	s.spared.set(slowRadio, is2G(hello.Network))
	s.settle(addr, hello.Network)
	s.view = s.cfg().Heartbeat.Open(time.Now(), heartbeat.Arrival{
		Path:  path(s.conn.Kind(), addr.Addr(), hello.Network),
		Peer:  s.serving.srv.peer(s.device(), addr.Addr()),
		State: s.stateLocked(),
		Last:  report(hello.Last),
	})
	s.planLocked()
}

// stateLocked is what the application does, as far as it matters to beats. On
// iOS it is stopped in the background.
func (s *session) stateLocked() heartbeat.State {
	return heartbeat.State{Background: s.spared.has(background), Mute: s.muteLocked()}
}

// muteLocked reports whether the device cannot beat.
func (s *session) muteLocked() bool {
	return s.spared.has(asleep) || s.spared.has(background) && s.profile.platform == wirepb.Platform_PLATFORM_IOS
}

// planLocked decides what to hand out, in whole milliseconds as the frames
// have it.
func (s *session) planLocked() {
	p := s.cfg().Heartbeat.Next(time.Now(), &s.view, rand.Float64())
	s.interval, s.probe = millis(max(p.Interval.Milliseconds(), 1)), stepsOf(p.Probe)
	s.serving.srv.metrics.intervals.Observe(p.Interval.Seconds())
}

// handOutLocked tells the device what has been decided anew.
func (s *session) handOutLocked() {
	if s.closingLocked() {
		return
	}
	s.planLocked()
	s.out.pong.Interval = s.interval.duration()
	s.kickLocked()
}

// lastLocked is when the last frame passed, in either direction.
func (s *session) lastLocked() time.Duration { return max(s.heard, s.wrote) }

// heardFrame takes up that a frame of the device has come.
func (s *session) heardFrame(f wire.Frame) (now time.Duration, picksUp bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := time.Now()
	now = at.Sub(s.serving.srv.start)
	silence := now - s.lastLocked()
	s.lookLocked(at, now)
	s.heard = now
	engine := s.cfg().Heartbeat
	if s.asked == nothing {
		engine.Heard(at, &s.view, silence)
		if silence >= s.serving.srv.scaled(lookFrom) {
			s.lookSoonLocked(behindSilence, silence)
		}
		return now, s.ridesLocked()
	}
	how, silence := s.serving.srv.probeEnd(f, silence, s.asked == answer)
	s.asked = nothing
	s.lookSoonLocked(behindProbe, 0)
	s.serving.srv.metrics.probeEnds.WithLabelValues(how).Inc()
	engine.Heard(at, &s.view, silence)
	return now, s.ridesLocked()
}

// How a Probe ends, as the label values of metrics.
const (
	probeAnswered  = "answered"
	probeMissed    = "missed"
	probeDisturbed = "disturbed"
)

// probeEnd says what the first frame after a Probe tells, and the silence that
// tells so to the engine, which knows no frames. An answer that comes behind
// another frame tells nothing: the device's own frame opens the way down again,
// and then what was sent before may still arrive. It would be as if the device
// had been away. Nor does a Ping that does not say what it is where it may be
// either; see perhaps.
func (srv *Server) probeEnd(f wire.Frame, silence time.Duration, clear bool) (how string, told time.Duration) {
	ping, ok := f.(*wire.Ping)
	switch soon := silence < srv.scaled(answerWithin); {
	case ok && (ping.Answer || soon && clear):
		return probeAnswered, min(silence, srv.scaled(time.Second))
	case soon:
		return probeDisturbed, srv.scaled(time.Minute)
	}
	return probeMissed, max(silence, srv.scaled(afterProbe))
}

// probeDueLocked is when the next Probe is due.
func (s *session) probeDueLocked() time.Duration {
	if s.probe == 0 {
		return never
	}
	return s.lastLocked() + s.probe.duration()
}

// probeLocked sends a Probe.
func (s *session) probeLocked(at time.Time, now time.Duration) *ending {
	late := now - s.probeDueLocked()
	s.probe, s.asked = 0, answer
	if late >= s.serving.srv.scaled(lateProbe) {
		s.asked = perhaps
	}
	s.cfg().Heartbeat.Probed(at, &s.view, now-s.lastLocked())
	s.serving.srv.metrics.probes.Inc()
	s.wrote = now // it is about to be
	return s.queueLocked(&wire.Probe{})
}

// wroteLocked takes up that something is written; a Notify is answered. Behind
// a Probe nothing else begins a silence: whoever gets it got the Probe before.
func (s *session) wroteLocked(notify bool) {
	if s.asked != nothing {
		return
	}
	at := time.Now()
	now := at.Sub(s.serving.srv.start)
	if notify {
		s.cfg().Heartbeat.Notified(at, &s.view, now-s.lastLocked())
	}
	s.wrote = now
}

// closeView ends what the engine keeps.
func (s *session) closeView() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg().Heartbeat.Closed(time.Now(), &s.view, s.over.network(), s.now()-s.lastLocked())
}
