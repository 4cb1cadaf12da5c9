package demo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/transport"
)

// A device is a phone or a tablet with the application on it. Its record
// outlives its connections.
type device struct {
	// Static after newDevice.
	user, name string
	platform   client.Platform
	fleet      *fleet
	gate       *gate
	// home is the index of the edge that the device tries first.
	home int

	// Set by open, used by the story alone.
	cancel context.CancelFunc
	ended  chan error // receives what Run returned

	// Guarded by mu.
	mu       sync.Mutex
	arrivals []arrival
	versions map[string]int64
	state    client.State
	// connected is when the device was connected last.
	connected time.Time
}

func newDevice(f *fleet, user, name string, platform client.Platform, home int) *device {
	return &device{
		user: user, name: name, platform: platform, fleet: f, home: home,
		gate: &gate{}, versions: map[string]int64{},
	}
}

func (d *device) pushToken() string {
	if d.platform == client.PlatformOther {
		return ""
	}
	return devmode.DeviceToken(d.user, d.name)
}

func (d *device) app() string {
	if d.platform == client.PlatformIOS {
		return devmode.IOSApp
	}
	return devmode.AndroidApp
}

// open starts the application and waits until the device is connected.
func (d *device) open(ctx context.Context, transportName string) error {
	c, err := client.New(client.Config{
		Addr: d.edges(), Transport: transportName,
		Token:    func(context.Context) (string, error) { return d.fleet.Token(d.user, d.name) },
		Platform: d.platform, App: d.app(), PushToken: d.pushToken(),
		Store: d, OnEvent: d.hear, OnState: d.setState, Dial: d.dial,
	})
	if err != nil {
		return fmt.Errorf("start %s's %s: %w", d.user, d.name, err)
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	d.cancel, d.ended = cancel, make(chan error, 1)
	go func() { d.ended <- c.Run(running) }()
	return devmode.Until(ctx, func() error {
		if s := d.current(); s.Phase != client.PhaseConnected {
			return fmt.Errorf("%s's %s is %s: %w", d.user, d.name, s.Phase, errors.Join(s.Err, errNotConnected))
		}
		return nil
	})
}

var errNotConnected = errors.New("not connected")

// close ends the application, as a user who swipes it away. It is safe on a
// device that is not open.
func (d *device) close() {
	if d.cancel == nil {
		return
	}
	d.gate.open()
	d.cancel()
	<-d.ended
	d.cancel = nil
}

// edges are the addresses that the device is given, its home first.
func (d *device) edges() string {
	var addrs []string
	for i := range d.fleet.edges {
		addrs = append(addrs, d.fleet.edges[(d.home+i)%len(d.fleet.edges)].Devices)
	}
	return strings.Join(addrs, ",")
}

// dial wraps the connection so that the story can stop the device's reading.
func (d *device) dial(ctx context.Context, kind transport.Kind, addr string) (transport.Conn, error) {
	dial := transport.DialTCP
	if kind == transport.QUIC {
		dial = transport.DialQUIC
	}
	conn, err := dial(ctx, addr, d.fleet.tls)
	if err != nil {
		return nil, err
	}
	return gatedConn{conn, d.gate}, nil
}

// hear is the application: it keeps what it was handed.
func (d *device) hear(_ context.Context, e client.Event) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for _, item := range e.Items {
		d.arrivals = append(d.arrivals, arrival{kind: e.Kind, version: item.Version, at: now})
	}
	return nil
}

// Load implements client.Store.
func (d *device) Load() (map[string]int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.versions), nil
}

// Save implements client.Store.
func (d *device) Save(kind string, version int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.versions[kind] = version
	return nil
}

func (d *device) setState(s client.State) {
	d.mu.Lock()
	defer d.mu.Unlock()
	// A device that is sent elsewhere is connected all the while.
	if s.Phase == client.PhaseConnected && (d.state.Phase != s.Phase || d.state.Edge != s.Edge) {
		d.connected = time.Now()
	}
	d.state = s
}

// waitBack waits until the device has connected anew since a time, and returns
// how long after it that was.
func (d *device) waitBack(ctx context.Context, since time.Time) (after time.Duration, err error) {
	err = devmode.Until(ctx, func() error {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.state.Phase != client.PhaseConnected || d.connected.Before(since) {
			return fmt.Errorf("%s's %s has not come to another edge: %w", d.user, d.name, errors.Join(d.state.Err, errNotConnected))
		}
		after = d.connected.Sub(since)
		return nil
	})
	return after, err
}

func (d *device) current() client.State {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state
}

// heard returns when the device was handed a version.
func (d *device) heard(kind string, version int64) (time.Time, bool) {
	return d.record().heardAt(event{user: d.user, kind: kind, version: version})
}

// record is a copy of what the device saw, without its pushes.
func (d *device) record() deviceRecord {
	d.mu.Lock()
	defer d.mu.Unlock()
	return deviceRecord{user: d.user, device: d.name, arrivals: append([]arrival(nil), d.arrivals...)}
}

// waitHeard waits until the device was handed all of the versions.
func (d *device) waitHeard(ctx context.Context, kind string, versions ...int64) error {
	for _, v := range versions {
		err := devmode.Until(ctx, func() error {
			if _, ok := d.heard(kind, v); !ok {
				return fmt.Errorf("%s's %s has not heard version %d of %s", d.user, d.name, v, kind)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
