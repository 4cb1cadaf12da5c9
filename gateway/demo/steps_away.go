package demo

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/push/pushtest"
)

// away lets B and C register and go, and publishes to both.
func (s *story) away(ctx context.Context) ([]string, error) {
	for _, d := range []*device{s.bPhone, s.cPhone} {
		if err := s.visit(ctx, d); err != nil {
			return nil, err
		}
	}
	var lines []string
	for _, d := range []*device{s.bPhone, s.cPhone} {
		began := time.Now()
		versions, err := s.publishThree(ctx, d.user)
		if err != nil {
			return lines, err
		}
		took := time.Since(began)
		if d == s.bPhone {
			s.forB = versions
		}
		line, err := s.fewPushes(ctx, d, versions[2], took)
		if err != nil {
			return lines, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// visit opens the application once, so that the device registers its push
// token, and closes it again.
func (s *story) visit(ctx context.Context, d *device) error {
	if err := d.open(ctx, client.Auto); err != nil {
		return err
	}
	err := devmode.Until(ctx, func() error { return s.fleet.registered(ctx, d) })
	d.close()
	return err
}

func (s *story) publishThree(ctx context.Context, user string) ([]int64, error) {
	var versions []int64
	for i := range 3 {
		text := "message " + strconv.Itoa(i+1)
		a, err := s.fleet.publishHTTP(ctx, s.fleet.survivor(), publication{
			user: user, kind: messages, item: text, title: "To " + user, body: text,
		})
		if err != nil {
			return nil, err
		}
		versions = append(versions, a.Version)
	}
	return versions, nil
}

// gathered is for how long the push of an urgent event waits for more of them.
const gathered = 200 * time.Millisecond

// fewPushes waits for the push that carries the newest of three versions, and
// then a moment to see that none follows. Events that were published within the
// time that a push waits for more are one push. Slow machines take longer to
// publish them: then there may be one for each.
func (s *story) fewPushes(ctx context.Context, d *device, newest int64, took time.Duration) (string, error) {
	err := devmode.Until(ctx, func() error {
		pushes, err := s.fleet.pushesTo(d)
		if err != nil {
			return devmode.StopTrying(err)
		}
		if !slices.ContainsFunc(pushes, func(p push) bool { return p.version == newest }) {
			return fmt.Errorf("no push of version %d has reached %s's %s", newest, d.user, d.name)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	sleep.For(ctx, quiet)
	pushes, err := s.fleet.pushesTo(d)
	if err != nil {
		return "", err
	}
	last := s.fleet.notifications(d)[len(pushes)-1]
	switch n := len(pushes); {
	case pushes[n-1].version != newest || pushes[n-1].kind != messages:
		return "", fmt.Errorf("the last of %d pushes that %s's %s received is for version %d of %s: want %d of %s",
			n, d.user, d.name, pushes[n-1].version, pushes[n-1].kind, newest, messages)
	case n == 1:
		return fmt.Sprintf("%s, %s: one push for three events: %s", d.user, provider(d), describe(last)), nil
	case n > 3 || took < gathered:
		return "", fmt.Errorf("%s's %s received %d pushes for three events that were published within %v: want one", d.user, d.name, n, took.Round(time.Millisecond))
	default:
		return fmt.Sprintf("%s, %s: %d pushes for three events, for they took %v to publish and a push waits %v for more; the last: %s",
			d.user, provider(d), n, took.Round(time.Millisecond), gathered, describe(last)), nil
	}
}

func provider(d *device) string {
	if d.platform == client.PlatformIOS {
		return "APNs"
	}
	return "FCM"
}

func describe(n pushtest.Notification) string {
	return fmt.Sprintf("%q / %q, collapse %q, hawser %s", n.Title, n.Body, n.Collapse, n.Hawser)
}

func (s *story) bReturns(ctx context.Context) ([]string, error) {
	before := len(s.fleet.notifications(s.bPhone))
	if err := s.bPhone.open(ctx, client.Auto); err != nil {
		return nil, err
	}
	if err := s.bPhone.waitHeard(ctx, messages, s.forB...); err != nil {
		return nil, err
	}
	var got []int64
	for _, a := range s.bPhone.record().arrivals {
		got = append(got, a.version)
	}
	if !slices.Equal(got, s.forB) {
		return nil, fmt.Errorf("the phone of B was handed %d: want %d in this order", got, s.forB)
	}
	sleep.For(ctx, quiet)
	if n := len(s.fleet.notifications(s.bPhone)); n != before {
		return nil, fmt.Errorf("the phone of B has %d pushes after its return: it had %d before", n, before)
	}
	return []string{fmt.Sprintf("its phone says Hello and is handed versions %d, in order; no further push", got)}, nil
}

// registered tells whether a device's push token is on record.
func (f *fleet) registered(ctx context.Context, d *device) error {
	bucket, err := f.js.KeyValue(ctx, "DEVICES")
	if err != nil {
		return fmt.Errorf("open the bucket of device records: %w", err)
	}
	if _, err := bucket.Get(ctx, "d."+tenant+"."+d.user+"."+d.name); err != nil {
		return fmt.Errorf("%s's %s (%s) is not on record: %w", d.user, d.name, devmode.IOSApp, err)
	}
	return nil
}
