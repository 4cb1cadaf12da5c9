package pushqueue_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// A full replicated stream refuses even what takes the place of a job that waits.
// That is tried again without haste, nothing that waits is lost, and what came is
// stored once there is room.
func TestFullReplicas(t *testing.T) {
	t.Parallel()
	e := startCluster(t)
	e.limit(10_000)
	waiting := e.fill()
	end, err := e.store.End(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e.refusesToRenew(end)

	const puts = 2 * 90 // half of them in the place of jobs that wait
	e.refusesAll(puts)
	if n := len(e.stored()); n != waiting {
		t.Errorf("%d jobs wait, want %d", n, waiting)
	}

	e.limit(10 << 20)
	for err := errors.New("not yet"); err != nil; _, err = e.store.Renew(t.Context(), end) {
		t.Log(err)
	}
	if first := e.state().FirstSeq; first <= end {
		t.Errorf("the job with the sequence %d was not renewed", first)
	}
	for stored, full := 0, 0; stored != puts; stored, full, _ = e.putAll(puts, 6) {
		t.Logf("%d stored, %d found no room", stored, full)
	}
	jobs := e.stored()
	for _, j := range jobs {
		if j.Version != 6 {
			t.Errorf("version %d of %s waits, want 6", j.Version, j.Device)
		}
	}
	if len(jobs) != puts {
		t.Errorf("%d jobs wait, want %d", len(jobs), puts)
	}
}

// While there is little room jobs are replaced, released from their hold and
// renewed, and none is stored in a new place.
func TestLowRoom(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.put(nth(0, 5))
	held := nth(1, 5)
	held.NotBefore, held.Hold = time.Now().Add(time.Hour), pushqueue.HoldQuiet
	e.put(held)
	low := atomic.Bool{}
	low.Store(true)
	e.store = pushqueue.NewStore(e.router, low.Load)
	t.Cleanup(e.store.Close)

	refused := make(chan error, 1)
	e.store.Put(nth(2, 5), func(err error) { refused <- err })
	e.put(nth(0, 6))
	end, err := e.store.End(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := e.store.Renew(t.Context(), end); n != 2 || err != nil {
		t.Errorf("%d renewed, %v, want 2", n, err)
	}
	urgent := nth(1, 6)
	urgent.Urgency = 3
	e.put(urgent)
	got := map[string]pushqueue.Job{}
	for _, j := range e.stored() {
		got[j.Device] = j
	}
	if d0, d1 := got["d0"], got["d1"]; len(got) != 2 || d0.Version != 6 || d1.Version != 6 || !d1.NotBefore.IsZero() {
		t.Errorf("the jobs are %+v, want versions 6 of two, due", got)
	}
	if err := <-refused; !errors.Is(err, pushqueue.ErrFull) {
		t.Errorf("a job in a new place: %v, want ErrFull", err)
	}
	low.Store(false)
	e.put(nth(2, 5))
}

// refusesToRenew renews jobs, for which there is no room. Where NATS is too slow to
// say so it tries again.
func (e *env) refusesToRenew(end uint64) {
	e.t.Helper()
	for range 10 {
		before := e.sent()
		n, err := e.store.Renew(e.t.Context(), end)
		if n != 0 {
			e.t.Fatalf("%d jobs were renewed in a full stream", n)
		}
		if !errors.Is(err, pushqueue.ErrFull) {
			e.t.Log(err)
			continue
		}
		if n := e.sent() - before; n > 100 {
			e.t.Errorf("%d messages to learn that there is no room to renew jobs, want 100 at most", n)
		}
		return
	}
	e.t.Fatal("no renewal is refused for want of room")
}

// refusesAll puts jobs that all find no room. Where NATS is too slow to say so it
// tries again.
func (e *env) refusesAll(puts int) {
	e.t.Helper()
	for range 10 {
		before, began := e.sent(), time.Now()
		stored, full, others := e.putAll(puts, 6)
		if stored != 0 {
			e.t.Fatalf("%d jobs were stored in a full stream", stored)
		}
		if others > 0 {
			e.t.Logf("%d of %d puts ended without an answer of NATS", others, puts)
			continue
		}
		if n, took := e.sent()-before, time.Since(began); n > uint64(4*puts) || took < time.Second {
			e.t.Errorf("%d messages in %v for %d jobs that find no room, want 4 a job at most, and no haste", n, took, full)
		}
		return
	}
	e.t.Fatal("no job is refused for want of room")
}

// fill writes jobs of version 5 until the stream refuses one, and returns how many
// it took. Every other one stands where the held ones wait.
func (e *env) fill() int {
	e.t.Helper()
	for n := 0; ; n++ {
		j := nth(n, 5)
		subject := routing.PushSubject(j.Tenant, j.User, j.Device, j.Kind)
		if n%2 == 1 {
			j.NotBefore, j.Hold = time.Now().Add(time.Hour), pushqueue.HoldQuiet
			subject = routing.PushLaterSubject(j.Tenant, j.User, j.Device, j.Kind)
		}
		var refused *jetstream.APIError
		if err := e.write(subject, j); errors.As(err, &refused) {
			return n
		} else if err != nil {
			e.t.Fatal(err)
		}
	}
}

// putAll puts a job of n devices at once, and counts what becomes of them.
func (e *env) putAll(n int, version int64) (stored, full, others int) {
	e.t.Helper()
	done := make(chan error, n)
	for i := range n {
		e.store.Put(nth(i, version), func(err error) { done <- err })
	}
	for range n {
		switch err := <-done; {
		case err == nil:
			stored++
		case errors.Is(err, pushqueue.ErrFull):
			full++
		default:
			others++
		}
	}
	return stored, full, others
}

// sent is how many messages the router has sent.
func (e *env) sent() uint64 { return e.router.Conn().Stats().OutMsgs }

// nth is a job of the n-th device.
func nth(n int, version int64) pushqueue.Job {
	j := job(version)
	j.Device = fmt.Sprint("d", n)
	return j
}
