package edgelink

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// verifyAll moves sessions on when something happens or is due.
func (l *Link) verifyAll(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.verifyC:
		case <-timer.C:
		}
		l.mu.Lock()
		ready, again := l.verifier.advance(&l.table, &l.presence, time.Now())
		l.mu.Unlock()
		for range min((ready+headsUsers-1)/headsUsers, headsRequests) {
			signal(l.askC)
		}
		if again > 0 {
			timer.Reset(again)
		}
	}
}

// askAll is one of the goroutines that ask for heads.
func (l *Link) askAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.askC:
		}
		for ctx.Err() == nil {
			l.mu.Lock()
			sessions, generation := l.verifier.take(&l.table, headsUsers)
			l.mu.Unlock()
			if len(sessions) == 0 {
				break
			}
			l.ask(ctx, sessions, generation)
		}
	}
}

// ask repeats the question until it is answered, every session has ended, or
// NATS was away: then all sessions are asked for anew.
func (l *Link) ask(ctx context.Context, sessions []Session, generation uint64) {
	aim := routing.NewAim(routing.HeadsSubject(l.cfg.Edge), l.Router)
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		heads, err := l.request(ctx, aim, sessions)
		if err == nil {
			l.deliver(sessions, heads, generation)
			return
		}
		if ctx.Err() != nil {
			return
		}
		l.metrics.headsRetries.Inc()
		l.log.Debug("heads were not answered, asking again", "users", len(sessions), "error", err)
		if !sleep.For(ctx, wait/2+rand.N(wait)) {
			return
		}
		if sessions = l.still(sessions, generation); len(sessions) == 0 {
			return
		}
	}
}

// still returns the sessions that are to be asked for.
func (l *Link) still(sessions []Session, generation uint64) []Session {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.verifier.generation != generation {
		return nil
	}
	live := sessions[:0]
	for _, s := range sessions {
		if l.table.live(s.Conn) != nil {
			live = append(live, s)
		}
	}
	return live
}

func (l *Link) request(ctx context.Context, aim *routing.Aim, sessions []Session) ([]*linkpb.Heads, error) {
	req := &linkpb.HeadsRequest{Users: make([]*linkpb.HeadsRequest_User, len(sessions))}
	for i, s := range sessions {
		req.Users[i] = &linkpb.HeadsRequest_User{Tenant: s.Tenant, User: s.User, Device: s.Device}
	}
	var resp linkpb.HeadsResponse
	if err := l.call(ctx, aim, req, &resp); err != nil {
		return nil, err
	}
	switch {
	case resp.GetError() != "":
		return nil, errors.New(resp.GetError())
	case len(resp.GetUsers()) != len(sessions):
		return nil, fmt.Errorf("heads of %d users were answered for %d", len(resp.GetUsers()), len(sessions))
	}
	return resp.GetUsers(), nil
}

// deliver hands the heads over. What was asked for before NATS was away is
// still news, but the sessions stay unverified.
func (l *Link) deliver(sessions []Session, heads []*linkpb.Heads, generation uint64) {
	live := make([]bool, len(sessions))
	l.mu.Lock()
	for i, s := range sessions {
		e := l.table.live(s.Conn)
		live[i] = e != nil
		if e != nil && !e.verified && !e.queued && !e.sweeping && l.verifier.generation == generation {
			e.verified = true
			l.table.unverified--
		}
	}
	l.mu.Unlock()
	for i, s := range sessions {
		if live[i] {
			l.metrics.headsUsers.Inc()
			if c := heads[i].GetCutoff(); c != nil {
				l.cfg.Handler.Cut(s.Conn, c.GetSessionsMs(), c.GetTokensS())
			}
			l.cfg.Handler.Heads(s.Conn, headsOf(heads[i]))
		}
	}
}

func headsOf(h *linkpb.Heads) []Head {
	out := make([]Head, len(h.GetHeads()))
	for i, x := range h.GetHeads() {
		out[i] = Head{Kind: x.GetKind(), Version: x.GetVersion()}
	}
	return out
}
