package providertest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/push"
)

// System stands for the device records, the routers, which find every device
// away, and the tenant's backend.
type System struct {
	// Static after construction.
	key push.AppKey

	mu sync.Mutex
	// Guarded by mu.
	records  map[string]push.Record // by device
	revision uint64                 // of the record written last
	events   []string
	dead     int
}

// Register gives a device a token, as of a time.
func (s *System) Register(device, token string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revision++
	s.records[device] = push.Record{
		Platform: s.key.Platform, App: s.key.App, Token: token, RegisteredAt: at, Found: true, Revision: s.revision,
	}
}

// Registered reports whether a device has a token.
func (s *System) Registered(device string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.records[device].Found
}

// Records is the number of devices with a token.
func (s *System) Records() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.records)
}

// Rejected names the rejected tokens that the backend was told of, each as
// "<device> <reason>".
func (s *System) Rejected() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// Dead is the number of pushes that the backend was told will never be made.
func (s *System) Dead() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead
}

// Check implements push.Presence.
func (s *System) Check(context.Context, push.Target) (push.PresenceState, error) {
	return push.Away, nil
}

// Head implements push.Heads.
func (s *System) Head(context.Context, string, string, string) (int64, []byte, error) {
	return 0, nil, nil
}

// Record implements push.Records.
func (s *System) Record(_ context.Context, _, _, device string) (push.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.records[device], nil
}

// MarkRejected implements push.Records.
func (s *System) MarkRejected(_ context.Context, _, _, device string, revision uint64, since time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.records[device]
	if !r.Found || r.Revision != revision {
		return false, nil
	}
	s.revision++
	r.RejectedAt, r.Revision = since, s.revision
	s.records[device] = r
	return true, nil
}

// DropToken implements push.Records.
func (s *System) DropToken(_ context.Context, _, _, device string, revision uint64) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.records[device]; !r.Found || r.Revision != revision {
		return false, nil
	}
	delete(s.records, device)
	return true, nil
}

// TokenRejected implements push.Events.
func (s *System) TokenRejected(_ context.Context, _, _, device, _, reason string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, device+" "+reason)
	return nil
}

// PushDead implements push.Events.
func (s *System) PushDead(context.Context, string, string, string, string, int64, string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead++
	return nil
}
