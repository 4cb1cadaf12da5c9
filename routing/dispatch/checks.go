package dispatch

import (
	"slices"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/table"
)

// checkWait is how long the push role's question waits for the device.
const checkWait = 500 * time.Millisecond

// checks are the push role's open questions.
type checks struct {
	open map[checkKey][]*check
	// queue is ordered by deadline: each question waits the same time.
	queue []*check
}

type checkKey struct {
	device table.DeviceID
	kind   string
}

type check struct {
	id       uint64
	key      checkKey
	version  int64
	urgency  routing.Urgency
	session  table.Session
	deadline time.Time
	inFlight bool
	fetching bool
	done     bool
}

// Check answers, with Effects.Checked and the same id, whether a device still
// needs a push for a version: from what is known, or by asking its session
// for at most half a second. The urgency is the push's.
func (p *Dispatcher) Check(id uint64, device table.DeviceID, kind string, version int64, u routing.Urgency, now time.Time) {
	p.counts.Checks++
	head := version
	if f := p.find(device.UserID, kind); f != nil {
		head = max(head, f.head)
		if d := f.device(device.Device); d != nil && d.acked >= version {
			p.out.Checked(id, linkpb.CheckResponse_STATE_COVERED)
			return
		}
	}
	dev := p.table.Device(device)
	s := dev.Session
	switch {
	case !s.Exists():
		p.out.Checked(id, p.absent(device, dev, u, now))
	case p.leaving || len(p.checks.queue) >= p.cfg.MaxChecks:
		p.out.Checked(id, linkpb.CheckResponse_STATE_UNSPECIFIED)
	default:
		c := &check{id: id, key: checkKey{device, kind}, version: version, urgency: u, session: s, deadline: now.Add(checkWait)}
		p.checks.open[c.key] = append(p.checks.open[c.key], c)
		p.checks.queue = append(p.checks.queue, c)
		p.counts.Notifies++
		p.out.Notify(s, kind, head, u.Or(routing.UrgencyNormal))
	}
}

// answerChecks settles the questions that an edge's answer answers.
func (p *Dispatcher) answerChecks(s table.Session, device table.DeviceID, a *linkpb.Answer, now time.Time) {
	key := checkKey{device, a.GetKind()}
	acked := a.GetAcked()
	if a.GetState() == linkpb.Answer_STATE_ACKED {
		acked = max(acked, a.GetVersion())
	}
	for _, c := range slices.Clone(p.checks.open[key]) {
		switch {
		case acked >= c.version:
			p.answerCheck(c, linkpb.CheckResponse_STATE_COVERED)
		case a.GetState() == linkpb.Answer_STATE_GONE && s == c.session:
			p.answerCheck(c, p.absent(device, table.Device{}, c.urgency, now))
		case a.GetState() == linkpb.Answer_STATE_IN_FLIGHT && s == c.session:
			c.inFlight, c.fetching = true, a.GetFetching()
		}
	}
}

func (p *Dispatcher) answerCheck(c *check, st linkpb.CheckResponse_State) {
	c.done = true
	left := slices.DeleteFunc(p.checks.open[c.key], func(x *check) bool { return x == c })
	if p.checks.open[c.key] = left; len(left) == 0 {
		delete(p.checks.open, c.key)
	}
	p.out.Checked(c.id, st)
}

func (p *Dispatcher) expireChecks(now time.Time) {
	n := 0
	for ; n < len(p.checks.queue); n++ {
		c := p.checks.queue[n]
		if !c.done && now.Before(c.deadline) {
			break
		}
		if !c.done {
			p.answerCheck(c, p.verdict(c, now))
		}
	}
	clear(p.checks.queue[:n])
	p.checks.queue = p.checks.queue[n:]
}

// verdict is what is said of a device that did not acknowledge in time.
func (p *Dispatcher) verdict(c *check, now time.Time) linkpb.CheckResponse_State {
	dev := p.table.Device(c.key.device)
	switch {
	case !dev.Session.Exists():
		return p.absent(c.key.device, dev, c.urgency, now)
	case dev.Session != c.session, c.fetching: // who just registered anew is likely to fetch
		return linkpb.CheckResponse_STATE_FETCHING
	case dev.Doubtful || c.inFlight && dev.Background:
		return linkpb.CheckResponse_STATE_DOUBTFUL
	case c.inFlight:
		return linkpb.CheckResponse_STATE_IN_FLIGHT
	default:
		return linkpb.CheckResponse_STATE_UNSPECIFIED
	}
}

// absent is what is said of a device without a session.
func (p *Dispatcher) absent(id table.DeviceID, dev table.Device, u routing.Urgency, now time.Time) linkpb.CheckResponse_State {
	if p.mayComeBack(id, dev, u, now) {
		return linkpb.CheckResponse_STATE_IN_FLIGHT
	}
	return linkpb.CheckResponse_STATE_AWAY
}

// abandonChecks tells those who ask to ask another router.
func (p *Dispatcher) abandonChecks() {
	for _, c := range p.checks.queue {
		if !c.done {
			p.answerCheck(c, linkpb.CheckResponse_STATE_UNSPECIFIED)
		}
	}
	p.checks.queue = nil
}
