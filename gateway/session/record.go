package session

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// Times between attempts to write a record that fails.
const (
	firstRetry = time.Second
	lastRetry  = time.Minute
)

// recordEvery is the least time between two writes of one session's record. A
// token changes once in months; a device that makes up one after the other
// would keep the bucket of all tenants busy, and their events with it.
const recordEvery = 10 * time.Second

// record is the device record that a session has to see written. Guarded by
// the session's mu.
type record struct {
	device  Device
	dirty   bool // device differs from what was written
	queued  bool // with the recorder, or waiting for retry
	stopped bool // nothing is written any more
	// writing is closed when the attempt that is under way ends. Nil: none is.
	writing chan struct{}
	began   time.Duration // the last attempt
	err     error         // of it
	retry   *time.Timer
	pause   time.Duration
}

// idle reports whether nothing would be lost with the record.
func (r *record) idle(now time.Duration) bool {
	return !r.dirty && !r.queued && !r.stopped && r.writing == nil && (r.began == 0 || now >= r.began+recordEvery)
}

func (r *record) stopLocked() {
	r.stopped = true
	if r.retry != nil {
		r.retry.Stop()
	}
}

// putRecordLocked has the device's record written with this push token. Empty
// leaves the stored record alone.
func (s *session) putRecordLocked(pushToken string) {
	r := &s.record
	if pushToken == "" || r.stopped {
		return
	}
	who := s.device()
	r.device = Device{
		Tenant: who.tenant, User: who.user, Device: who.device,
		Platform: platform(s.profile.platform), App: s.profile.app, PushToken: pushToken, Epoch: s.epoch,
	}
	r.dirty = true
	s.enqueueRecordLocked()
}

func (s *session) enqueueRecordLocked() {
	r := &s.record
	if r.queued || r.writing != nil {
		return
	}
	r.queued = true
	if wait := r.began + recordEvery - s.now(); r.began != 0 && wait > 0 {
		s.laterRecordLocked(wait)
		return
	}
	s.serving.srv.records.add(s)
}

// laterRecordLocked queues the record once wait is over.
func (s *session) laterRecordLocked(wait time.Duration) {
	s.record.retry = time.AfterFunc(wait, func() { s.serving.srv.records.retry(s) })
}

func platform(p wirepb.Platform) string {
	switch p {
	case wirepb.Platform_PLATFORM_IOS:
		return "ios"
	case wirepb.Platform_PLATFORM_ANDROID:
		return "android"
	case wirepb.Platform_PLATFORM_OTHER:
		return "other"
	}
	return ""
}

// writeRecord makes one attempt. It blocks for up to DeviceTimeout.
func (s *session) writeRecord() {
	device, ok := s.beginRecord()
	if !ok {
		return
	}
	s.endRecord(s.serving.srv.put(s.serving.ctx, device))
}

// put makes one attempt to write a record.
func (srv *Server) put(ctx context.Context, device Device) error {
	ctx, cancel := context.WithTimeout(ctx, srv.cfg.Limits.DeviceTimeout)
	defer cancel()
	err := srv.cfg.Registry.PutDevice(ctx, device)
	srv.metrics.records.WithLabelValues(recordPut, result(err)).Inc()
	if err != nil {
		// At debug level: while NATS is away every session gets here.
		srv.cfg.Log.Debug("device record not written, will retry", "tenant", device.Tenant, "user", device.User,
			"device", device.Device, "error", err)
	}
	return err
}

func (s *session) beginRecord() (Device, bool) {
	s.lock()
	defer s.unlock()
	r := &s.record
	r.queued = false
	if r.stopped || !r.dirty {
		return Device{}, false
	}
	r.dirty = false
	r.began = s.now()
	r.writing = make(chan struct{})
	d := r.device
	d.JWT = s.tokenLocked() // may have been renewed since
	return d, true
}

func (s *session) endRecord(err error) {
	s.lock()
	defer s.unlock()
	r := &s.record
	close(r.writing)
	r.writing, r.err = nil, err
	switch {
	case r.stopped:
	case err != nil:
		s.retryRecordLocked()
	default:
		r.pause = 0
		if r.dirty { // changed meanwhile
			s.enqueueRecordLocked()
		}
	}
}

// retryRecordLocked tries again later, with the random part that keeps the
// sessions of an edge apart after an outage.
func (s *session) retryRecordLocked() {
	r := &s.record
	r.dirty, r.queued = true, true
	r.pause = min(max(2*r.pause, firstRetry), lastRetry)
	wait := r.pause/2 + rand.N(r.pause)
	s.laterRecordLocked(wait)
}

// logout removes the record and then ends the session. A write that is under
// way is waited for: behind the removal it would bring the record back. Where
// it fails, it may still be on its way, and the device is sent back to log out
// again.
func (s *session) logout() {
	who := s.device()
	jwt, written := s.awaitRecord()
	ctx, cancel := context.WithTimeout(s.serving.ctx, s.cfg().Limits.DeviceTimeout)
	defer cancel()
	err := s.cfg().Registry.RemoveDevice(ctx, who.tenant, who.user, who.device, jwt)
	s.serving.srv.metrics.records.WithLabelValues(recordRemove, result(err)).Inc()
	if err = errors.Join(written, err); err == nil {
		s.end(endLoggedOut, true)
		return
	}
	s.cfg().Log.Warn("device record not removed", "tenant", who.tenant, "user", who.user, "device", who.device, "error", err)
	s.end(endLogoutFailed, true)
}

// awaitRecord stops further writes of the record and waits for the one that is
// under way, up to DeviceTimeout. It returns that one's error, and the device's
// JWT of this moment.
func (s *session) awaitRecord() (jwt string, err error) {
	s.lock()
	defer s.unlock()
	s.record.stopLocked()
	writing := s.record.writing
	if writing == nil {
		return s.tokenLocked(), nil
	}
	s.unlock()
	<-writing // the attempt has a deadline of its own
	s.lock()
	return s.tokenLocked(), s.record.err
}

// recorder writes the records of many sessions, a bounded number at once.
type recorder struct {
	*crew

	mu sync.Mutex
	// outliving is the epoch of each device's newest session that ended before
	// its record was written. Guarded by mu.
	outliving map[deviceKey]int64
	// late bounds the attempts to write those at once.
	late chan struct{}
}

func newRecorder(writers int) *recorder {
	return &recorder{
		crew:      newCrew(writers, (*session).writeRecord),
		outliving: map[deviceKey]int64{}, late: make(chan struct{}, writers),
	}
}

// retry is add for a timer, behind which the session may have ended.
func (r *recorder) retry(s *session) {
	s.lock()
	defer s.unlock()
	if !s.closingLocked() && !s.record.stopped {
		r.add(s)
	}
}
