//go:build unix

package sendtest

import (
	"context"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/push"
)

// The hops of a push in its worker, in their order.
const (
	hopHanded = iota // the queue gave it to the worker
	hopLooked        // it was gathered
	hopAsked         // its turn came
	hopSent          // it is given to the sender
	hops
)

// hopTimes are Unix nanoseconds.
type hopTimes [hops]int64

// hopLog notes when the pushes of a tenant came by.
type hopLog struct {
	tenant string

	mu sync.Mutex
	// Guarded by mu.
	byUser map[string]*hopTimes
}

func newHopLog(tenant string) *hopLog {
	return &hopLog{tenant: tenant, byUser: map[string]*hopTimes{}}
}

func (l *hopLog) note(tenant, user string, hop int) {
	if tenant != l.tenant {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.byUser[user]
	if t == nil {
		t = &hopTimes{}
		l.byUser[user] = t
	}
	t[hop] = time.Now().UnixNano()
}

// take returns what was noted, and forgets it.
func (l *hopLog) take() map[string]*hopTimes {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.byUser
	l.byUser = map[string]*hopTimes{}
	return all
}

// notedSystem is a system whose questions are noted.
type notedSystem struct {
	system
	log *hopLog
}

func (s notedSystem) Check(ctx context.Context, t push.Target) (push.PresenceState, error) {
	s.log.note(t.Tenant, t.User, hopAsked)
	return s.system.Check(ctx, t)
}

func (s notedSystem) Record(ctx context.Context, tenant, user, device string) (push.Record, error) {
	s.log.note(tenant, user, hopLooked)
	return s.system.Record(ctx, tenant, user, device)
}

// notedProvider is a provider whose messages are noted.
type notedProvider struct {
	push.Provider
	tenant string
	log    *hopLog
}

func (p notedProvider) Send(ctx context.Context, m push.Message) push.Result {
	p.log.note(p.tenant, m.Hawser.User, hopSent)
	return p.Provider.Send(ctx, m)
}
