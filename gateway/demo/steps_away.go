package demo

import (
	"context"
	"fmt"
	"slices"
	"strconv"

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
		versions, err := s.publishThree(ctx, d.user)
		if err != nil {
			return lines, err
		}
		if d == s.bPhone {
			s.forB = versions
		}
		line, err := s.onePush(ctx, d, versions[2])
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

// onePush waits for the push that carries the newest version, and then a
// moment to see that it stays the only one.
func (s *story) onePush(ctx context.Context, d *device, newest int64) (string, error) {
	err := devmode.Until(ctx, func() error {
		if len(s.fleet.notifications(d)) == 0 {
			return fmt.Errorf("no push has reached %s's %s", d.user, d.name)
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
	n := s.fleet.notifications(d)[0]
	if len(pushes) != 1 || pushes[0].version != newest || pushes[0].kind != messages {
		return "", fmt.Errorf("%s's %s received %d pushes, the first for version %d of %s: want one for version %d",
			d.user, d.name, len(pushes), pushes[0].version, pushes[0].kind, newest)
	}
	return fmt.Sprintf("%s, %s: one push for three events: %s", d.user, provider(d), describe(n)), nil
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
	if n := len(s.fleet.notifications(s.bPhone)); n != 1 {
		return nil, fmt.Errorf("the phone of B has %d pushes after its return: want the one of before", n)
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
