package outagetest

import (
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// device is one connection, with a user of its own.
type device struct {
	user string
	conn *tls.Conn
	kind uint64 // number of "messages"
	// holds: it does not acknowledge.
	holds atomic.Bool
	pongs atomic.Int64
	ended atomic.Pointer[string] // why it lost its connection, or was asked to

	mu sync.Mutex
	// Guarded by mu. The newest version that was stored for the user, when it
	// was; what the device heard of, and when.
	head    int64
	headAt  time.Time
	heard   int64
	heardAt time.Time
}

func (d *device) stored(version int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if version > d.head {
		d.head, d.headAt = version, time.Now()
	}
}

// true reports whether the device has heard the true head, and when.
func (d *device) truth() (at time.Time, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.heardAt, d.heard >= d.head
}

// connect connects n devices, some at once.
func (f *fleet) connect(n int) []*device {
	f.t.Helper()
	devices := make([]*device, n)
	var all sync.WaitGroup
	slots := make(chan struct{}, 32)
	for i := range n {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			d, err := f.dial(fmt.Sprintf("u%d", i))
			if err != nil {
				f.t.Errorf("connect: %v", err)
				return
			}
			devices[i] = d
		})
	}
	all.Wait()
	if f.t.Failed() {
		f.t.FailNow()
	}
	return devices
}

// dial brings a device in: at its slot, where the edge has no room before.
func (f *fleet) dial(user string) (*device, error) {
	var slot []byte
	for {
		d, away, err := f.greet(user, slot)
		if err != nil || away == nil {
			return d, err
		}
		slot = away.Slot
		time.Sleep(time.Duration(away.WaitMs) * time.Millisecond)
	}
}

// greet says Hello. An edge without room answers with a slot.
func (f *fleet) greet(user string, slot []byte) (*device, *wirepb.ComeBack, error) {
	jwt, err := f.env.Token(tenant, user, "phone")
	if err != nil {
		return nil, nil, err
	}
	cfg := f.tls.Clone()
	cfg.NextProtos, cfg.ServerName = []string{wire.ALPN}, "localhost"
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", f.edge.Listen, cfg)
	if err != nil {
		return nil, nil, err
	}
	d := &device{user: user, conn: conn}
	if _, err := conn.Write(wire.Append(nil, &wire.Hello{Body: &wirepb.Hello{Token: jwt, Slot: slot}})); err != nil {
		return nil, nil, err
	}
	reader := wire.NewReader(conn, wire.MaxPayload)
	frame, err := reader.Next()
	if err != nil {
		return nil, nil, err
	}
	if busy, ok := frame.(*wire.Close); ok && busy.ComeBack != nil {
		return nil, busy.ComeBack, conn.Close()
	}
	welcome, ok := frame.(*wire.Welcome)
	if !ok {
		return nil, nil, fmt.Errorf("instead of Welcome came %+v", frame)
	}
	d.kind = uint64(slices.Index(welcome.Body.Kinds, "messages") + 1)
	go d.listen(reader)
	f.t.Cleanup(func() { _ = conn.Close() })
	return d, nil, nil
}

func (d *device) listen(reader *wire.Reader) {
	for {
		frame, err := reader.Next()
		if err != nil {
			d.lost(err.Error())
			return
		}
		switch frame := frame.(type) {
		case *wire.Notify:
			d.notified(frame)
		case *wire.Pong:
			d.pongs.Add(1)
		case *wire.Close:
			d.lost(fmt.Sprint(frame.Code, " ", frame.Reason))
		case *wire.GoAway:
			d.lost("GoAway: " + frame.Body.Reason)
		}
	}
}

func (d *device) lost(why string) { d.ended.CompareAndSwap(nil, &why) }

func (d *device) notified(n *wire.Notify) {
	if n.Kind.Number != d.kind {
		return
	}
	d.mu.Lock()
	if n.Version > d.heard {
		d.heard, d.heardAt = n.Version, time.Now()
	}
	d.mu.Unlock()
	if !d.holds.Load() {
		d.ack()
	}
}

// ack acknowledges what was heard.
func (d *device) ack() {
	d.mu.Lock()
	v := d.heard
	d.mu.Unlock()
	// A failure shows at the reader.
	_, _ = d.conn.Write(wire.Append(nil, &wire.Ack{Kind: wire.Kind{Number: d.kind}, Version: v}))
}

// beatOnce has every device beat once, at a random time within d.
func beatOnce(devices []*device, within time.Duration) {
	var all sync.WaitGroup
	for _, d := range devices {
		all.Go(func() {
			time.Sleep(rand.N(within))
			_, _ = d.conn.Write(wire.Append(nil, &wire.Ping{}))
		})
	}
	all.Wait()
}

// waitTruth waits until every device has heard the true head.
func (f *fleet) waitTruth(devices []*device) {
	f.t.Helper()
	began := time.Now()
	for {
		missing := 0
		for _, d := range devices {
			if _, ok := d.truth(); !ok {
				missing++
			}
		}
		if missing == 0 {
			return
		}
		if time.Since(began) > patience {
			f.t.Fatalf("not within %v: %d of %d devices have not heard the true head", patience, missing, len(devices))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// lateness is how long after since each device heard what it knows last,
// sorted.
func lateness(devices []*device, since time.Time) []time.Duration {
	var out []time.Duration
	for _, d := range devices {
		at, _ := d.truth()
		out = append(out, at.Sub(since))
	}
	slices.Sort(out)
	return out
}

func quantile(d []time.Duration, q float64) time.Duration { return d[int(q*float64(len(d)-1))] }

// nobodyLost fails where a device lost its connection, or was asked to leave.
func nobodyLost(t *testing.T, devices []*device) {
	t.Helper()
	lost := map[string]int{}
	for _, d := range devices {
		if why := d.ended.Load(); why != nil {
			lost[*why]++
		}
	}
	if len(lost) > 0 {
		t.Errorf("devices were disconnected or sent away: %v", lost)
	}
}
