package edgelink

import (
	"context"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// answersTo says whom answers are for, and of which incarnation of the edge
// they speak: a router that asks for sessions of an earlier one must not take
// the answer for one about today's connection of the same number.
type answersTo struct {
	router      string
	incarnation int64
}

// answerQueue holds what waits to be sent.
type answerQueue struct {
	// sending is held while answers are taken and sent, and while a batch of
	// sessions is. It is taken before the link's mu.
	sending sync.Mutex

	mu sync.Mutex
	// Guarded by mu.
	waiting answersByRouter
	spare   answersByRouter // has room from before; nil: none
	count   int
}

type answersByRouter map[answersTo]*waitingAnswers

// maxSpare is the greatest room that is kept for next time, in answers.
const maxSpare = 1 << 10

// waitingAnswers are for one router.
type waitingAnswers struct {
	answers []Answer
	// at is where a session's kind was last put.
	at map[answerSlot]int
}

type answerSlot struct {
	conn uint64
	kind string
}

func newAnswerQueue() *answerQueue { return &answerQueue{waiting: answersByRouter{}} }

// push reports, too, whether nothing waited before.
func (q *answerQueue) push(to answersTo, a Answer) (first, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.count >= maxAnswers {
		return false, false
	}
	w := q.waiting[to]
	if w == nil {
		w = &waitingAnswers{at: map[answerSlot]int{}}
		q.waiting[to] = w
	}
	if !w.put(a) {
		return false, true
	}
	q.count++
	return q.count == 1, true
}

// put reports whether there is one more answer now. One that takes the place
// of another is a device that acknowledged before its notify was answered.
func (w *waitingAnswers) put(a Answer) (more bool) {
	slot := answerSlot{a.Conn, a.Kind}
	if i, ok := w.at[slot]; ok && a.covers(w.answers[i]) {
		w.answers[i] = a
		return false
	}
	w.at[slot] = len(w.answers)
	w.answers = append(w.answers, a)
	return true
}

// covers reports whether a tells a router everything that the older answer o
// of the same session and kind would have told it.
func (a Answer) covers(o Answer) bool {
	return o.State == InFlight && a.Version >= o.Version && a.Acked >= o.Acked
}

// take returns what waits; done takes it back once it is sent.
func (q *answerQueue) take() answersByRouter {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.waiting
	if q.spare == nil {
		q.spare = answersByRouter{}
	}
	q.waiting, q.spare, q.count = q.spare, nil, 0
	return w
}

// done keeps the room of what was sent, for routers that were answered.
func (q *answerQueue) done(sent answersByRouter) {
	for to, w := range sent {
		if len(w.answers) == 0 || cap(w.answers) > maxSpare {
			delete(sent, to)
			continue
		}
		clear(w.at)
		clear(w.answers)
		w.answers = w.answers[:0]
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.spare = sent
}

// Answer tells a router of a session's state after it was answered before:
// the device acknowledged. It never blocks; at the queue's bound the answer
// is dropped and counted, and the router asks again.
func (l *Link) Answer(router string, a Answer) { l.answer(router, l.cfg.Incarnation, a) }

func (l *Link) answer(router string, incarnation int64, a Answer) {
	if !wire.ValidID(router) {
		l.metrics.dropped.WithLabelValues(dropAnswers).Inc()
		return
	}
	switch first, ok := l.answers.push(answersTo{router, incarnation}, a); {
	case !ok:
		l.metrics.dropped.WithLabelValues(dropAnswers).Inc()
	case first:
		l.company.Reset(answerWait)
	}
}

// answerAll sends what waits, as many as there are in one message. No device
// waits for an answer, and each message wakes a NATS server, a router and, for
// what it settles, the log: so the first one waits a moment for company. It is
// who sets the timer, so that nobody is woken before.
func (l *Link) answerAll(ctx context.Context) {
	defer l.company.Stop()
	for {
		select {
		case <-ctx.Done():
			l.sendAnswers()
			return
		case <-l.company.C:
			l.sendAnswers()
		}
	}
}

// sendAnswers sends all that waits, unless sessions wait to be told of: then
// the announcer does so behind them, in announceWait at most.
func (l *Link) sendAnswers() {
	l.answers.sending.Lock()
	defer l.answers.sending.Unlock()
	l.mu.Lock()
	var waiting answersByRouter
	if l.table.changes.len() == 0 {
		waiting = l.answers.take() // with mu: a session that comes now comes behind them
	}
	l.mu.Unlock()
	l.send(waiting)
}

// send sends what was taken, if anything was.
func (l *Link) send(taken answersByRouter) {
	if taken == nil {
		return
	}
	for to, w := range taken {
		for answers := w.answers; len(answers) > 0; {
			n := answersIn(answers)
			l.sendBatch(to, answers[:n])
			answers = answers[n:]
		}
	}
	l.answers.done(taken)
}

// answersIn returns how many of the answers go into one message.
func answersIn(answers []Answer) int {
	size := 0
	for i, a := range answers {
		if size += 32 + len(a.Kind); size > maxMessage {
			return max(i, 1)
		}
	}
	return len(answers)
}

func (l *Link) sendBatch(to answersTo, answers []Answer) {
	b := &linkpb.AnswerBatch{Edge: l.cfg.Edge, Incarnation: to.incarnation, Answers: make([]*linkpb.Answer, len(answers))}
	made := make([]linkpb.Answer, len(answers)) // one piece of memory for all
	for i, a := range answers {
		m := &made[i]
		m.Conn, m.Kind, m.State, m.Acked, m.Version = a.Conn, a.Kind, stateProto(a.State), a.Acked, a.Version
		m.Fetching, m.RidesMs = a.Fetching, a.Rides.Milliseconds()
		b.Answers[i] = m
	}
	data, err := proto.Marshal(b)
	if err == nil {
		err = l.cfg.Conn.Publish(routing.AnswerSubject(to.router, l.cfg.Edge), data)
	}
	if err != nil {
		l.metrics.dropped.WithLabelValues(dropAnswers).Add(float64(len(answers)))
		return
	}
	l.metrics.answers.Add(float64(len(answers)))
}

func stateProto(s AnswerState) linkpb.Answer_State {
	switch s {
	case Acked:
		return linkpb.Answer_STATE_ACKED
	case InFlight:
		return linkpb.Answer_STATE_IN_FLIGHT
	case Gone:
		return linkpb.Answer_STATE_GONE
	default:
		return linkpb.Answer_STATE_UNSPECIFIED
	}
}
