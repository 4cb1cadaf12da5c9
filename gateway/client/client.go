// Package client is hawser's Go SDK: it keeps one device connected to an edge,
// hears of new versions, fetches what is missing and confirms it.
//
// A [Client] is made by New and does everything inside Run: it dials QUIC and
// TCP, says Hello on the winner, keeps the connection alive as the edge asks
// for, connects again when it must, and calls Config.OnEvent with what is new.
// All goroutines that it starts have ended when Run returns.
//
// An event is acknowledged after OnEvent returned nil and the Store has saved
// the version: from then on the edge lets go of it and no push is sent. An
// event whose handler fails is handed over again, so a handler must bear to see
// the same items twice.
package client

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// Client is one device. Its methods may be called from any goroutine.
type Client struct {
	// Static after construction.
	cfg      Config
	versions *versions
	dialer   *dialer
	fetches  *fetches
	kick     chan struct{} // never closed; one token: do not wait any longer
	slot     slot

	// work is everything that Run started and waits for.
	work sync.WaitGroup

	mu sync.Mutex
	// Guarded by mu.
	runCtx     context.Context // of the present Run; nil when it is not running
	stopped    chan struct{}   // closed at the end of the present Run
	loggedOut  chan struct{}   // closed when the edge confirmed a log-out
	link       *link           // the welcomed connection; nil: none
	linked     chan struct{}   // closed and replaced when link changes
	background bool
	asleep     bool
	network    *wirepb.Network
	pushToken  string
	logout     bool // the application wants to log out
	ticket     []byte
	last       *report
}

// New checks the configuration and loads the versions.
func New(cfg Config) (*Client, error) {
	cfg, err := cfg.checked()
	if err != nil {
		return nil, err
	}
	versions, err := loadVersions(cfg.Store)
	if err != nil {
		return nil, err
	}
	c := &Client{
		cfg:        cfg,
		versions:   versions,
		fetches:    &fetches{kinds: map[string]*wanted{}},
		kick:       make(chan struct{}, 1),
		linked:     make(chan struct{}),
		background: cfg.Background,
		network:    cfg.Network.body(),
		pushToken:  cfg.PushToken,
	}
	c.dialer = newDialer(cfg, &c.work)
	return c, nil
}

// Versions returns what the device has of each kind.
func (c *Client) Versions() map[string]int64 { return c.versions.all() }

// SetBackground tells the edge whether the application is in the background.
func (c *Client) SetBackground(background bool) {
	c.mu.Lock()
	c.background = background
	l, state := c.link, c.stateLocked()
	c.mu.Unlock()
	l.trySend(state)
}

// SetAsleep tells the edge whether the system holds back the application's
// timers or its network, as Android does in Doze, so that it cannot beat: news
// come as pushes then. The connection stays, and is looked at when the device
// wakes.
func (c *Client) SetAsleep(asleep bool) {
	c.mu.Lock()
	woken := c.asleep && !asleep
	c.asleep = asleep
	l, state := c.link, c.stateLocked()
	c.mu.Unlock()
	if l == nil {
		if woken {
			c.hurry()
		}
		return
	}
	l.beat.sleep(asleep)
	if l.trySend(state) && woken {
		l.challenge()
	}
}

func (c *Client) stateLocked() *wire.State {
	return &wire.State{Background: c.background, Asleep: c.asleep}
}

// SetNetwork tells that the device's network changed. A connection that does
// not answer soon on the new network is given up and made anew at once, and a
// wait for the next attempt is cut short.
func (c *Client) SetNetwork(n Network) error {
	if err := n.check(); err != nil {
		return err
	}
	c.mu.Lock()
	c.network = n.body()
	l := c.link
	if l == nil && c.last != nil {
		c.last = c.last.elsewhere()
	}
	c.mu.Unlock()
	c.dialer.forget()
	if l == nil {
		c.hurry()
	}
	if l.trySend(&wire.Network{Body: n.body()}) {
		l.challenge()
	}
	return nil
}

// SetPushToken gives the edge the push provider's new token.
func (c *Client) SetPushToken(token string) error {
	if err := checkLength("PushToken", token, maxPushToken); err != nil {
		return err
	}
	c.mu.Lock()
	c.pushToken = token
	l := c.link
	c.mu.Unlock()
	if token != "" {
		l.trySend(&wire.Token{Body: &wirepb.Token{PushToken: token}})
	}
	return nil
}

// hurry cuts the wait for the next attempt short.
func (c *Client) hurry() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// noHurry drops a token that came too late.
func (c *Client) noHurry() {
	select {
	case <-c.kick:
	default:
	}
}

// setLink makes l the connection of the application. nil: there is none.
func (c *Client) setLink(l *link) {
	if l != nil {
		c.noHurry()
	}
	c.mu.Lock()
	c.link = l
	close(c.linked)
	c.linked = make(chan struct{})
	missed := c.missedLocked(l)
	c.mu.Unlock()
	for _, f := range missed {
		l.trySend(f)
	}
}

// missedLocked returns what changed between the Hello of l and its Welcome.
func (c *Client) missedLocked(l *link) []wire.Frame {
	if l == nil {
		return nil
	}
	var frames []wire.Frame
	if c.background != l.said.Background || c.asleep != l.said.Asleep {
		l.beat.sleep(c.asleep)
		frames = append(frames, c.stateLocked())
	}
	if c.network != l.said.Network && c.network != nil {
		frames = append(frames, &wire.Network{Body: c.network})
	}
	if c.pushToken != l.said.PushToken && c.pushToken != "" {
		frames = append(frames, &wire.Token{Body: &wirepb.Token{PushToken: c.pushToken}})
	}
	if c.logout {
		frames = append(frames, &wire.Bye{Logout: true})
	}
	return frames
}

// current is nil without a connection.
func (c *Client) current() *link {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link
}

// Interval returns after how much silence the device sends a heartbeat at
// present, as the edge said last. 0: it is not connected.
func (c *Client) Interval() time.Duration {
	l := c.current()
	if l == nil {
		return 0
	}
	return l.beat.current()
}

// waitLink waits for a connection.
func (c *Client) waitLink(ctx context.Context) (*link, error) {
	for {
		c.mu.Lock()
		running, l, linked, stopped := c.runCtx != nil, c.link, c.linked, c.stopped
		c.mu.Unlock()
		switch {
		case !running:
			return nil, ErrNotRunning
		case l != nil && !l.ended():
			return l, nil
		}
		select {
		case <-linked:
		case <-stopped:
			return nil, ErrNotRunning
		case <-ctx.Done():
			return nil, errors.Join(ErrNotConnected, ctx.Err())
		}
	}
}
