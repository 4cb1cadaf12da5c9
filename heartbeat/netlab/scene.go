package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/sleep"
)

// A scene is one NAT with phones behind it, in front of a fleet.
type scene struct {
	// Static after newScene.
	sort  sortOfNAT
	fleet *fleet
	nat   *nat
	book  *book
	quiet *silences
	users []string
	dir   string
	still *standstill // the run's
	say   func(format string, args ...any)

	mu sync.Mutex
	// Guarded by mu.
	timeout time.Duration
	changed time.Time // the timeout
	since   time.Time // the silences fit; zero: they do not
	errs    []error
}

// sceneOptions are what scenes of a run have in common.
type sceneOptions struct {
	homes, phones int // phones in each home
	scale         int
	program       string // this one
}

// newScene builds the NAT of a number. The caller calls run, then close.
func newScene(number int, s sortOfNAT, timeout time.Duration, f *fleet, o sceneOptions, still *standstill, dir string) (*scene, error) {
	n, err := newNAT(number, o.homes, s.kind, timeout)
	if err != nil {
		return nil, err
	}
	c := &scene{sort: s, fleet: f, nat: n, quiet: newSilences(s.tcp), dir: dir, still: still, say: still.say, timeout: timeout}
	for h := range o.homes {
		for p := range o.phones {
			c.users = append(c.users, fmt.Sprintf("nat%d-home%d-phone%d", number, h+1, p+1))
		}
	}
	c.book = newBook(c.users)
	return c, nil
}

func (c *scene) limit() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.timeout
}

// change sets another timeout.
func (c *scene) change(d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timeout, c.changed, c.since = d, time.Now(), time.Time{}
	return c.nat.setTimeout(d)
}

func (c *scene) trouble(err error) {
	c.say("%v: %v", c.sort, err)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.errs = append(c.errs, err)
}

func (c *scene) troubles() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Join(c.errs...)
}

// run has the phones connected and news published for them until ctx ends.
func (c *scene) run(ctx context.Context, o sceneOptions) {
	var work sync.WaitGroup
	for h := range o.homes {
		work.Go(func() {
			if err := c.runHome(ctx, h, o); err != nil && ctx.Err() == nil {
				c.trouble(err)
			}
		})
	}
	work.Go(func() {
		if err := c.quiet.listen(ctx, c.nat); err != nil {
			c.trouble(err)
		}
	})
	for _, u := range c.users {
		work.Go(func() { c.publishTo(ctx, u) })
	}
	work.Wait()
}

// runHome runs the phones of a home as a process in the home's network.
func (c *scene) runHome(ctx context.Context, h int, o sceneOptions) error {
	file, err := c.writePhones(h, o)
	if err != nil {
		return err
	}
	log, err := os.Create(file + ".log")
	if err != nil {
		return fmt.Errorf("make the log of a home: %w", err)
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, o.program, partPhones, file)
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("make a pipe: %w", err)
	}
	if err := c.nat.homes[h].Do(cmd.Start); err != nil {
		return fmt.Errorf("start the phones of a home: %w", err)
	}
	lines := json.NewDecoder(out)
	for {
		var s sighting
		if err = lines.Decode(&s); err != nil {
			break
		}
		c.book.see(s)
		c.still.note("the phones of a home", s.Still)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, cmd.Wait())
}

func (c *scene) writePhones(h int, o sceneOptions) (file string, err error) {
	cfg := phoneConfig{Addr: c.fleet.devices(), CA: c.fleet.authority(), Transport: client.QUIC, Scale: o.scale}
	if c.sort.tcp {
		cfg.Transport = client.TCP
	}
	for _, u := range c.users[h*o.phones : (h+1)*o.phones] {
		p, err := c.fleet.phoneOf(u)
		if err != nil {
			return "", err
		}
		cfg.Phones = append(cfg.Phones, p)
	}
	text, err := json.Marshal(cfg)
	if err != nil {
		return "", fmt.Errorf("word the phones: %w", err)
	}
	file = filepath.Join(c.dir, fmt.Sprintf("home-%d-%d.json", c.nat.number, h+1))
	return file, os.WriteFile(file, text, 0o600)
}

// publishTo has news for a phone now and then: so seldom that mostly the phone
// has been silent before, and at any moment of its silence.
func (c *scene) publishTo(ctx context.Context, user string) {
	for {
		limit := c.limit()
		if !sleep.For(ctx, limit+rand.N(3*limit)) {
			return
		}
		s := c.book.present()
		if s == over {
			return
		}
		version, err := c.fleet.publish(ctx, user)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			c.trouble(err)
		default:
			c.book.published(user, version, s)
		}
	}
}

// watch looks at the phones and the NAT until ctx ends.
func (c *scene) watch(ctx context.Context, every time.Duration) {
	for sleep.For(ctx, every) {
		all, err := c.nat.mappings()
		if err != nil {
			c.trouble(err)
			return
		}
		c.book.look(c.sort.tcp, all)
		c.follow()
	}
}

// The settled silence, as a share of the NAT's timeout.
const (
	leastShare = 0.7
	mostShare  = 1.0
)

// window is how many timeouts the silences that are looked at reach back.
const window = 2

// follow notes whether the silences are such that fit the NAT.
func (c *scene) follow() {
	share := c.share()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case share < leastShare || share > mostShare:
		c.since = time.Time{}
	case c.since.IsZero():
		c.since = time.Now()
	}
}

// share is the present silence of the phone in the middle over the timeout.
func (c *scene) share() float64 {
	c.mu.Lock()
	timeout, from := c.timeout, time.Now().Add(-window*c.timeout)
	if c.changed.After(from) {
		from = c.changed
	}
	c.mu.Unlock()
	_, middle, _ := c.quiet.shares(from, timeout)
	return middle
}

// settled reports since when the silences have fitted the NAT; zero: they do
// not.
func (c *scene) settled() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.since
}
