package router

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/dispatch"
)

const (
	// maxGathered bounds the users' kinds that are gathered, of each of which the
	// newest events do, maxGatheredBytes their push contents.
	maxGathered      = 1 << 15
	maxGatheredBytes = 32 << 20
	// againAtOnce users' kinds are handed to the loop at once, with a pause before
	// the next ones: 3,200 a second, beside the new ones.
	againAtOnce = 32
	againPause  = 10 * time.Millisecond
)

// gathered are the newest events of users' kinds.
type gathered struct {
	kinds map[userKind]newestEvents
	// bytes of push contents that came, not less than there are.
	bytes int
}

type userKind struct{ tenant, user, kind string }

// newestEvents are the newest event, and the newest one that asks for a push
// where that is another one; first is where the oldest one lies that they stand
// for.
type newestEvents struct {
	first      place
	last, push *dispatch.Message
}

func newGathered() *gathered { return &gathered{kinds: map[userKind]newestEvents{}} }

func (g *gathered) full() bool { return len(g.kinds) >= maxGathered || g.bytes >= maxGatheredBytes }

func (g *gathered) add(e routing.Event, m dispatch.Message) {
	k := userKind{e.Tenant, e.User, e.Kind}
	n, known := g.kinds[k]
	if !known {
		n.first = place{e.Sequence, e.Time}
	}
	if !m.Push {
		n.last = &m
	} else {
		if n.push != nil {
			m.Urgency = max(m.Urgency, n.push.Urgency)
		}
		n.last, n.push = nil, &m
	}
	g.kinds[k] = n
	g.bytes += len(m.Content)
}

// inOrder are the log's oldest first.
func (g *gathered) inOrder() []newestEvents {
	return slices.SortedFunc(maps.Values(g.kinds), func(a, b newestEvents) int { return cmp.Compare(a.first.seq, b.first.seq) })
}

// messages are the push, where there is one, and what came after it.
func (n *newestEvents) messages() []*dispatch.Message {
	return slices.DeleteFunc([]*dispatch.Message{n.push, n.last}, func(m *dispatch.Message) bool { return m == nil })
}

func (n *newestEvents) tenant() string { return n.messages()[0].Tenant }

// seeAgain hands events to the loop. A tenant that has no room is noted in full,
// with the place from which on its events are to be read again: the others do not
// wait for it.
func (r *Router) seeAgain(ctx context.Context, g *gathered, full map[string]place) {
	for all := g.inOrder(); len(all) > 0; {
		n := min(len(all), againAtOnce)
		task := againTask{events: all[:n], refused: make(chan map[string]place, 1)}
		select {
		case r.again <- task:
		case <-ctx.Done():
			return
		case <-r.leaving:
			return
		}
		select {
		case refused := <-task.refused:
			maps.Copy(full, refused)
			all = all[n:]
			if len(refused) > 0 {
				all = slices.DeleteFunc(all, func(n newestEvents) bool { _, is := refused[n.tenant()]; return is })
			}
		case <-ctx.Done():
			return
		}
		if !sleep.For(ctx, againPause) {
			return
		}
	}
}

// againTask are events that were read from the log, in its order; refused, which
// has a place, is told of the tenants that have no room for all of theirs, and of
// the first one each for which there was none.
type againTask struct {
	events  []newestEvents
	refused chan map[string]place
}

// againTasks is nil while no events shall be taken.
func (l *loop) againTasks() chan againTask {
	if !l.takes() {
		return nil
	}
	return l.r.again
}

// takeAgain takes in what there is room for.
func (l *loop) takeAgain(t againTask, now time.Time) {
	refused := map[string]place{}
	for _, n := range t.events {
		if _, is := refused[n.tenant()]; is {
			continue
		}
		for _, m := range n.messages() {
			if !l.d.Again(*m, now) {
				refused[n.tenant()] = n.first
				break
			}
		}
	}
	t.refused <- refused
}
