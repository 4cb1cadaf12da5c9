package session

import (
	"time"

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
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putRecordLocked(t.PushToken)
	return nil
}

func (s *session) renewLease(jwt string) *ending {
	id, err := s.cfg().Verifier.Verify(jwt, time.Now())
	if err != nil {
		return tokenEnding(err)
	}
	if (deviceKey{id.Tenant, id.User, id.Device}) != s.device {
		return endOtherDevice
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jwt = jwt
	s.lease = newLease(s.now(), time.Until(id.ExpiresAt), s.cfg().Limits.TokenGrace)
	return nil
}
