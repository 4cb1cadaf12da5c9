package session

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
)

// A device may say its push token and be gone before its record is written:
// NATS is away, or many devices come at once. It wants pushes all the same, so
// that the record outlives the session for a while.

const (
	// outliveFor is how long. A device that is away for longer most likely
	// comes again before it misses a push.
	outliveFor = 5 * time.Minute
	// maxOutliving bounds the devices.
	maxOutliving = 4096
)

// leaveRecordLocked ends the session's own writing of its record. A logout
// leaves nothing to be written, and neither does a device that its backend
// ended.
func (s *session) leaveRecordLocked() {
	r := &s.record
	r.stopLocked()
	if s.leaving || s.over == endRemoved || s.over == endSurplus || s.over == endRevoked || !r.dirty && r.writing == nil {
		return
	}
	d := r.device
	d.JWT, d.RegisteredMs = s.tokenLocked(), s.cfg().Clock.Now().UnixMilli()
	srv := s.serving.srv
	if !srv.records.outlive(s.device(), s.epoch) {
		srv.metrics.recordsLost.Inc()
		return
	}
	writing := r.writing
	if r.dirty {
		writing = nil // that is of an older push token
	}
	s.serving.wg.Go(func() {
		defer srv.records.outlived(s.device(), s.epoch)
		if !s.recordWritten(writing) && !s.serving.writeLate(d) {
			srv.metrics.recordsLost.Inc()
		}
	})
}

// recordWritten waits for the attempt that was under way, if any, and reports whether
// it succeeded.
func (s *session) recordWritten(writing <-chan struct{}) bool {
	if writing == nil {
		return false
	}
	<-writing // the attempt has a deadline of its own
	s.lock()
	defer s.unlock()
	return s.record.err == nil
}

// writeLate writes a record until it is written, and reports whether it is.
func (v *serving) writeLate(d Device) bool {
	ctx, cancel := context.WithTimeout(v.ctx, outliveFor)
	defer cancel()
	records := v.srv.records
	for pause := firstRetry; ; pause = min(2*pause, lastRetry) {
		sleep.For(ctx, pause/2+rand.N(pause))
		if ctx.Err() != nil {
			return false
		}
		select {
		case records.late <- struct{}{}:
		case <-ctx.Done():
			return false
		}
		newest := records.outlives(deviceKey{d.Tenant, d.User, d.Device}, d.Epoch)
		done := !newest || v.srv.put(ctx, d) == nil
		<-records.late
		if done {
			return true
		}
	}
}

// outlive notes that a session's record outlives it, in place of the one of an
// earlier session. It reports false where there are too many.
func (r *recorder) outlive(key deviceKey, epoch int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.outliving[key]; !known && len(r.outliving) >= maxOutliving {
		return false
	}
	r.outliving[key] = max(r.outliving[key], epoch)
	return true
}

// outlives reports whether no later session's record has taken the place.
func (r *recorder) outlives(key deviceKey, epoch int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.outliving[key] == epoch
}

func (r *recorder) outlived(key deviceKey, epoch int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.outliving[key] == epoch {
		delete(r.outliving, key)
	}
}
