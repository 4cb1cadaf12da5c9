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
	mu sync.Mutex
	// Guarded by mu.
	waiting map[answersTo][]Answer
	count   int
}

func newAnswerQueue() answerQueue { return answerQueue{waiting: map[answersTo][]Answer{}} }

func (q *answerQueue) push(to answersTo, a Answer) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.count >= maxAnswers {
		return false
	}
	q.waiting[to] = append(q.waiting[to], a)
	q.count++
	return true
}

func (q *answerQueue) take() map[answersTo][]Answer {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.waiting
	q.waiting, q.count = map[answersTo][]Answer{}, 0
	return w
}

// Answer tells a router of a session's state after it was answered before:
// the device acknowledged. It never blocks; at the queue's bound the answer
// is dropped and counted, and the router asks again.
func (l *Link) Answer(router string, a Answer) { l.answer(router, l.cfg.Incarnation, a) }

func (l *Link) answer(router string, incarnation int64, a Answer) {
	if !wire.ValidID(router) || !l.answers.push(answersTo{router, incarnation}, a) {
		l.metrics.dropped.WithLabelValues(dropAnswers).Inc()
		return
	}
	signal(l.answerC)
}

// answerAll sends what waits, as many as there are in one message.
func (l *Link) answerAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			l.sendAnswers()
			return
		case <-l.answerC:
			l.sendAnswers()
		}
	}
}

func (l *Link) sendAnswers() {
	for to, answers := range l.answers.take() {
		for len(answers) > 0 {
			n := answersIn(answers)
			l.sendBatch(to, answers[:n])
			answers = answers[n:]
		}
	}
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
	b := &linkpb.AnswerBatch{Edge: l.cfg.Edge, Incarnation: to.incarnation}
	for _, a := range answers {
		b.Answers = append(b.Answers, &linkpb.Answer{
			Conn: a.Conn, Kind: a.Kind, State: stateProto(a.State), Acked: a.Acked, Version: a.Version,
		})
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
