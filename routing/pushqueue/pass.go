package pushqueue

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// passes are the jobs that wait for the answer of the worker that has their
// device. They count among the open ones, which bounds them, and are kept like
// these.
type passes struct {
	mu sync.Mutex
	// Guarded by mu.
	last uint64
	all  map[uint64]*Delivery
}

func newPasses() *passes { return &passes{all: map[uint64]*Delivery{}} }

func (p *passes) add(d *Delivery) (id uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	p.all[p.last] = d
	return p.last
}

// remove returns nil for one that was removed before.
func (p *passes) remove(id uint64) *Delivery {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.all[id]
	delete(p.all, id)
	return d
}

func (p *passes) newest() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// upTo returns those that were added until a while ago.
func (p *passes) upTo(id uint64) map[uint64]*Delivery {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := map[uint64]*Delivery{}
	for i, d := range p.all {
		if i <= id {
			old[i] = d
		}
	}
	return old
}

// pass gives a job to the worker that has its device. Until that one says that
// it took the job, it stays here and is passed again.
func (s *sharing) pass(d *Delivery, owner string) { s.send(s.passes.add(d), d, owner) }

// send passes a job on, unless another one may stand at its sequence by now: who is
// passed it could not tell.
func (s *sharing) send(id uint64, d *Delivery, owner string) {
	if !d.sure() {
		s.passes.remove(id)
		d.settle(settledHandedBack, d.back)
		return
	}
	s.publish(&nats.Msg{
		Subject: routing.PassSubject(owner), Reply: routing.PassedReply(s.c.cfg.Name, strconv.FormatUint(id, 10)),
	}, &linkpb.PassedJob{Job: d.Job.message(), Ack: d.msg.Reply(), Sequence: d.seq, Deliveries: d.Deliveries})
}

// passAgain passes what has no answer, to whoever has the device by now.
func (s *sharing) passAgain(now time.Duration) {
	for id, d := range s.passes.upTo(s.asked) {
		owner := s.roster.owner(d.Job, now)
		switch {
		case d.lapsed():
			s.passes.remove(id)
			d.Drop()
		case owner == "" && now-s.idleSince > silentAfter:
			// The others may agree without this worker: the queue gives it to them.
			s.passes.remove(id)
			d.settle(settledHandedBack, d.back)
		case owner == "":
		case owner != s.c.cfg.Name:
			s.send(id, d, owner)
		case s.roster.takesJobs(now):
			s.passes.remove(id)
			s.c.hand(d)
		}
	}
	s.asked = s.passes.newest()
}

func (s *sharing) hearAnswer(m *nats.Msg) {
	var a linkpb.PassedAnswer
	id, err := strconv.ParseUint(m.Subject[strings.LastIndexByte(m.Subject, '.')+1:], 10, 64)
	if err == nil {
		err = proto.Unmarshal(m.Data, &a)
	}
	if err != nil {
		s.c.metrics.malformed.Inc()
		return
	}
	if !a.GetTaken() {
		return
	}
	if d := s.passes.remove(id); d != nil {
		d.settle(settledPassed, noAnswer)
	}
}

// takePassed takes a job that another worker passed, if its device is this
// worker's and there is room for it.
func (s *sharing) takePassed(m *nats.Msg, now time.Duration) {
	p, err := parsePassed(m.Data)
	if err != nil {
		s.c.metrics.malformed.Inc()
		return
	}
	d := &Delivery{Job: p.job, Deliveries: p.deliveries, msg: passedMessage{s.nc, p.ack}, seq: p.sequence, open: s.c.open, given: s.c.open.line().reconnects}
	// Whoever passed it kept it a moment ago: it would be out itself by now.
	d.keptAt.Store(int64(now))
	taken := s.roster.takesJobs(now) && s.roster.mine(p.job, now) && s.c.open.add(d)
	if taken {
		if err := d.msg.InProgress(); err != nil {
			s.c.metrics.lost.Inc()
		}
		s.c.hand(d)
	}
	if routing.SafePassedReply(m.Reply) {
		s.publish(&nats.Msg{Subject: m.Reply}, &linkpb.PassedAnswer{Taken: taken})
	}
}

// passed is a job from another worker.
type passed struct {
	job                  Job
	ack                  string
	sequence, deliveries uint64
}

// errPassed is what is wrong with a passed job, besides the job itself.
var errPassed = errors.New("the queue's answer subject or number is missing")

// ackSubjects begin the subjects at which the queue is answered.
const ackSubjects = "$JS.ACK."

func parsePassed(data []byte) (passed, error) {
	var m linkpb.PassedJob
	if err := proto.Unmarshal(data, &m); err != nil {
		return passed{}, fmt.Errorf("%w: the body is not readable", ErrJob)
	}
	j, err := jobOf(m.GetJob())
	if err != nil {
		return passed{}, err
	}
	ack := m.GetAck()
	if !strings.HasPrefix(ack, ackSubjects) || strings.ContainsAny(ack, "*> \t\r\n") || m.GetSequence() == 0 {
		return passed{}, fmt.Errorf("%w: %w", ErrJob, errPassed)
	}
	return passed{job: j, ack: ack, sequence: m.GetSequence(), deliveries: m.GetDeliveries()}, nil
}

// message is what the queue is told of one of its messages.
type message interface {
	Reply() string
	Ack() error
	Nak() error
	NakWithDelay(after time.Duration) error
	InProgress() error
	TermWithReason(reason string) error
}

// passedMessage answers the queue for a message that it gave to another worker.
type passedMessage struct {
	nc  *nats.Conn
	ack string
}

func (m passedMessage) Reply() string { return m.ack }

func (m passedMessage) Ack() error { return m.say("+ACK") }

func (m passedMessage) Nak() error { return m.say("-NAK") }

func (m passedMessage) NakWithDelay(after time.Duration) error {
	return m.say(fmt.Sprintf(`-NAK {"delay": %d}`, after.Nanoseconds()))
}

func (m passedMessage) InProgress() error { return m.say("+WPI") }

func (m passedMessage) TermWithReason(reason string) error { return m.say("+TERM " + reason) }

func (m passedMessage) say(what string) error { return m.nc.Publish(m.ack, []byte(what)) }
