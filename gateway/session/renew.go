package session

import (
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// renew takes up a new JWT, a new push token, or both. A JWT must be of the
// same device: a connection never changes whose it is.
func (s *session) renew(t *wirepb.Token) *ending {
	if t.Token != "" {
		if over := s.renewLease(t.Token); over != nil {
			return over
		}
	}
	s.lock()
	defer s.unlock()
	s.putRecordLocked(t.PushToken)
	return nil
}

// tokenLocked is the device's JWT.
func (s *session) tokenLocked() string { return s.serving.srv.tokens.restore(s.jwt) }

func (s *session) renewLease(jwt string) *ending {
	// Where the host's clock is wrong this is the routers' time: a device that
	// is here already is not turned away for it.
	now := s.cfg().Clock.Now()
	id, err := s.cfg().Verifier.Verify(jwt, now)
	if err != nil {
		return s.serving.srv.tokenEnding(err)
	}
	if (deviceKey{id.Tenant, id.User, id.Device}) != s.device() {
		return endOtherDevice
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jwt, s.issued = s.serving.srv.tokens.keep(jwt), seconds(id.IssuedAt)
	s.leaseLocked(id.ExpiresAt.Sub(now))
	return nil
}
