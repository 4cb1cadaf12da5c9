package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/gateway/wire"
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

// patience is how long a device may keep an urgent event unacknowledged; the
// demo's messages are urgent.
const patience = 3 * time.Second

func (s *story) stopReading(ctx context.Context) ([]string, error) {
	before := len(s.fleet.notifications(s.aPhone))
	s.aPhone.gate.shut()
	defer s.aPhone.gate.open()
	a, err := s.fleet.publishHTTP(ctx, s.fleet.survivor(), publication{
		user: "A", kind: messages, item: "are you there?", title: "To A", body: "are you there?",
	})
	if err != nil {
		return nil, err
	}
	if err := s.aTablet.waitHeard(ctx, messages, a.Version); err != nil {
		return nil, err
	}
	err = devmode.Until(ctx, func() error {
		if len(s.fleet.notifications(s.aPhone)) == before {
			return errors.New("no push has reached the phone of A")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	stored, err := s.storedAt(ctx, a.Version)
	if err != nil {
		return nil, err
	}
	pushed := s.fleet.notifications(s.aPhone)[before].At.Sub(stored)
	if pushed < patience {
		return nil, fmt.Errorf("the phone of A was pushed after %v: it has %v to acknowledge", pushed, patience)
	}
	tablet, _ := s.aTablet.heard(messages, a.Version)
	lines := []string{fmt.Sprintf("the tablet has it after %.1f ms; the phone is pushed after %.1f s",
		milliseconds(tablet.Sub(stored)), pushed.Seconds())}
	s.aPhone.gate.open()
	if err := s.aPhone.waitHeard(ctx, messages, a.Version); err != nil {
		return lines, err
	}
	lines = append(lines, "it reads again and is handed the item over its connection")
	return lines, s.acknowledges(ctx)
}

// acknowledges shows that a device which reads gets no push: what it says is
// believed.
func (s *story) acknowledges(ctx context.Context) error {
	before := len(s.fleet.notifications(s.aPhone))
	a, err := s.fleet.publishHTTP(ctx, s.fleet.survivor(), publication{
		user: "A", kind: messages, item: "there you are", title: "To A", body: "there you are",
	})
	if err != nil {
		return err
	}
	if err := s.aPhone.waitHeard(ctx, messages, a.Version); err != nil {
		return err
	}
	late := time.After(patience + 1500*time.Millisecond)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-late:
			return nil
		case <-time.After(50 * time.Millisecond):
		}
		if len(s.fleet.notifications(s.aPhone)) != before {
			return errors.New("the phone of A was pushed for an item that it had acknowledged")
		}
	}
}

// forge signs a token for a device with a key that no tenant knows.
func forge(user, device string) (string, error) {
	private, _, err := token.GenerateKey()
	if err != nil {
		return "", err
	}
	signer, err := token.ParseSigner(private)
	if err != nil {
		return "", err
	}
	now := time.Now()
	return signer.Sign(token.Identity{Tenant: tenant, User: user, Device: device, ExpiresAt: now.Add(time.Hour)}, now)
}

// refusal runs a client that the edge must refuse, beside the device whose
// name it stole.
func refusal(ctx context.Context, c *client.Client, owner *device) ([]string, error) {
	err := c.Run(ctx)
	var closed *client.CloseError
	if !errors.As(err, &closed) || closed.Code != wire.CloseUnauthenticated {
		return nil, fmt.Errorf("the forged token was answered with: %w", errors.Join(err, errNotRefused))
	}
	if s := owner.current(); s.Phase != client.PhaseConnected {
		return nil, fmt.Errorf("the forged token threw the real phone out: it is %s", s.Phase)
	}
	return []string{"refused: " + closed.Error(), "the real phone stays connected"}, nil
}

var errNotRefused = errors.New("it must be refused with 3500")

// rounds bounds how often an event is published until NATS hands one to the
// router that is to die, and not to the other one.
const rounds = 20

func (s *story) routerDies(ctx context.Context) ([]string, error) {
	var versions []int64
	for {
		if len(versions) == rounds {
			return nil, fmt.Errorf("none of %d events went to %s", rounds, s.fleet.victim().Name)
		}
		v, held, err := s.publishToFrozen(ctx)
		if err != nil {
			return nil, err
		}
		versions = append(versions, v)
		if held {
			break
		}
		if err := s.settled(ctx); err != nil {
			return nil, err
		}
	}
	died := time.Now()
	if err := s.fleet.Kill(ctx, s.fleet.victim().Name); err != nil {
		return nil, err
	}
	for _, d := range []*device{s.aPhone, s.aTablet} {
		if err := d.waitHeard(ctx, messages, versions...); err != nil {
			return nil, err
		}
	}
	last := versions[len(versions)-1]
	phone, _ := s.aPhone.heard(messages, last)
	if err := s.settled(ctx); err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("%s, frozen with version %d in its hands, is killed (signal 9)", s.fleet.victim().Name, last),
		fmt.Sprintf("%s takes it over when the dead one's time is up: A's phone has it %.1f s after the kill",
			s.fleet.survivor().Name, phone.Sub(died).Seconds()),
	}, nil
}

// publishToFrozen publishes an event while the victim is frozen and tells
// whether it is in its hands. If not, the victim goes on as if nothing had been.
// The event is of low urgency: of others, the router that stored them tells
// devices before NATS hands them out, and no take-over would be needed.
func (s *story) publishToFrozen(ctx context.Context) (version int64, held bool, err error) {
	victim := s.fleet.victim().Name
	frozen, err := s.fleet.Freeze(ctx, victim)
	if err != nil {
		return 0, false, fmt.Errorf("freeze %s: %w", victim, err)
	}
	defer func() {
		if !held {
			err = errors.Join(err, s.fleet.Thaw(ctx, victim))
		}
	}()
	before, err := s.fleet.notifies(ctx)
	if err != nil {
		return 0, false, err
	}
	a, err := s.fleet.publishHTTP(ctx, s.fleet.survivor(), publication{user: "A", kind: messages, item: "still there?", urgency: "LOW"})
	if err != nil || !frozen {
		return a.Version, err == nil, err
	}
	held, err = s.isHeld(ctx, before)
	if _, heard := s.aPhone.heard(messages, a.Version); held && heard {
		err = fmt.Errorf("no router told the edge of version %d, and A's phone has it", a.Version)
	}
	return a.Version, held, err
}

// isHeld tells whether the newest event is in the hands of the frozen router:
// NATS has handed it out, and for two seconds no router has told the edge more
// than the notifies that it had taken before. That a device lacks the item
// would prove nothing: the frozen router may sit on the answer to its sync.
func (s *story) isHeld(ctx context.Context, before int) (bool, error) {
	for range 20 {
		n, err := s.fleet.notifies(ctx)
		if err != nil || n > before {
			return false, err
		}
		sleep.For(ctx, 100*time.Millisecond)
	}
	n, err := s.fleet.inFlight(ctx)
	return n > 0, err
}

// settled waits until no event waits for a device any more.
func (s *story) settled(ctx context.Context) error {
	return devmode.Until(ctx, func() error {
		n, err := s.fleet.inFlight(ctx)
		if err == nil && n > 0 {
			err = fmt.Errorf("%d events are not settled", n)
		}
		return err
	})
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
