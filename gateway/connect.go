package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/sleep"
)

// ackGrace is how long connect --once waits before it leaves, so that the
// last event is acknowledged and not pushed or delivered again.
const ackGrace = 200 * time.Millisecond

// connectFlags are the flags of connect.
type connectFlags struct {
	*flags
	door deviceDoor
	// The device.
	user, device, transport  string
	platform, app, pushToken string
	background, postQuantum  bool
	versionsFile             string
	// What to do.
	once           int
	logout         bool
	connectTimeout time.Duration
	asJSON         bool
}

func newConnectFlags(c *console) *connectFlags {
	f := &connectFlags{flags: newFlags(c, "connect", "connect --user U --device D [--addr A] [flags]",
		"Connects as a device and prints what is new, and how the connection fares, until\n"+
			"it is interrupted.")}
	f.StringVar(&f.user, "user", "", "`USER` of the device. Required")
	f.StringVar(&f.device, "device", "", "`DEVICE` to be. Required")
	f.StringVar(&f.transport, "transport", client.Auto, "`TRANSPORT` auto, quic or tcp. Default: auto")
	f.BoolVar(&f.postQuantum, "post-quantum", false, "offer a key exchange with ML-KEM")
	f.StringVar(&f.platform, "platform", "other", "`PLATFORM` ios, android or other. Default: other")
	f.StringVar(&f.app, "app", "", "`APP`, the bundle identifier or the Firebase project")
	f.StringVar(&f.pushToken, "push-token", "", "`TOKEN` of the push provider. Default: a stored one stays as it is")
	f.BoolVar(&f.background, "background", false, "be in the background: an ios device is then pushed at once")
	f.StringVar(&f.versionsFile, "versions-file", "", "`FILE` that keeps the versions over runs. Default: begin with nothing")
	f.IntVar(&f.once, "once", 0, "`N`: end after so many events. Default: never")
	f.BoolVar(&f.logout, "logout", false, "remove the device from hawser once connected, and end")
	f.DurationVar(&f.connectTimeout, "connect-timeout", 10*time.Second, "`DURATION` to try for the first connection; 0: forever. Default: 10s")
	f.BoolVar(&f.asJSON, "json", false, "print JSON lines, schemas hawser.connect.event/1 and hawser.connect.state/1")
	f.door.register(f.flags)
	return f
}

// runConnect is a device on the command line.
func runConnect(ctx context.Context, c *console, args []string) error {
	f := newConnectFlags(c)
	if err := f.parse(args); err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return err
	}
	if err := f.door.find(c); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	d := &device{flags: f, cancel: cancel, print: newPrinter(c, f.asJSON)}
	cfg, err := d.config(ctx)
	if err != nil {
		return err
	}
	if d.client, err = client.New(cfg); err != nil {
		return usagef("%s", strings.TrimPrefix(err.Error(), "client: "))
	}
	return d.run(ctx)
}

func (f *connectFlags) check() error {
	switch {
	case f.user == "" || f.device == "":
		return usagef("--user and --device are both needed: choose any names that match [A-Za-z0-9_-]{1,64}")
	case !slices.Contains([]string{client.Auto, client.QUIC, client.TCP}, f.transport):
		return usagef("--transport %.20q must be auto, quic or tcp", f.transport)
	case f.pushToken != "" && f.app == "":
		return usagef("--push-token needs --app: name the application the token belongs to")
	case f.once < 0:
		return usagef("--once %d must be a number of events", f.once)
	case f.connectTimeout < 0:
		return usagef("--connect-timeout %s must be above zero, or 0 to try forever", f.connectTimeout)
	}
	return checkNames(f.user, f.device)
}

// errEnough says that connect has done what it was asked for.
var errEnough = errors.New("enough")

// device is one run of connect.
type device struct {
	// Static after construction.
	flags  *connectFlags
	cancel context.CancelCauseFunc
	print  *printer
	client *client.Client

	// leaving is everything that was started and is waited for.
	leaving sync.WaitGroup

	mu sync.Mutex
	// Guarded by mu.
	welcomed bool
	events   int
	lastErr  error
}

// config is the client's configuration. A token that cannot be had is said
// now and not at every attempt.
func (d *device) config(ctx context.Context) (client.Config, error) {
	f := d.flags
	token := f.door.token(f.user, f.device)
	if _, err := token(ctx); err != nil {
		return client.Config{}, err
	}
	trust, err := f.door.tls()
	if err != nil {
		return client.Config{}, err
	}
	platform, ok := map[string]client.Platform{
		"ios": client.PlatformIOS, "android": client.PlatformAndroid, "other": client.PlatformOther,
	}[f.platform]
	if !ok {
		return client.Config{}, usagef("--platform %.20q must be ios, android or other", f.platform)
	}
	cfg := client.Config{
		Addr: f.door.addr, Transport: f.transport, TLS: trust, PostQuantum: f.postQuantum, Token: token,
		Platform: platform, App: f.app, AppVersion: "hawser-connect", PushToken: f.pushToken, Background: f.background,
		OnEvent: d.onEvent, OnState: d.onState,
		Log: slog.New(slog.NewJSONHandler(f.c.stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if f.versionsFile != "" {
		cfg.Store, err = openVersions(f.versionsFile, f.user, f.device)
	}
	return cfg, err
}

func (d *device) run(ctx context.Context) error {
	if d.flags.connectTimeout > 0 {
		timer := time.AfterFunc(d.flags.connectTimeout, d.giveUp)
		defer timer.Stop()
	}
	err := d.client.Run(ctx)
	d.cancel(errEnough)
	d.leaving.Wait()
	var told *client.CloseError
	var coded *codedError
	switch {
	case errors.As(err, &told):
		return errors.New(strings.TrimPrefix(told.Error(), "client: "))
	case errors.As(context.Cause(ctx), &coded):
		return coded
	case err != nil && ctx.Err() == nil:
		return err
	}
	return nil
}

// giveUp ends a run that has not connected once.
func (d *device) giveUp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.welcomed {
		return
	}
	f, reason := d.flags, "no answer"
	if d.lastErr != nil {
		reason = plain(d.lastErr)
	}
	advice := fmt.Sprintf("Start %s dev or serve, or name another edge with --addr", f.c.self)
	if errors.As(d.lastErr, new(x509.UnknownAuthorityError)) {
		advice = "Name the authorities of the edge's certificate with --ca-file"
	}
	d.cancel(unreachablef("cannot connect to %s within %s: %s. %s", f.door.addr, f.connectTimeout, reason, advice))
}

// plain is an error of the client in one line.
func plain(err error) string {
	return strings.ReplaceAll(strings.TrimPrefix(err.Error(), "client: "), "\n", "; ")
}

func (d *device) onState(s client.State) {
	d.mu.Lock()
	first := s.Phase == client.PhaseConnected && !d.welcomed
	d.welcomed = d.welcomed || first
	if s.Err != nil {
		d.lastErr = s.Err
	}
	welcomed := d.welcomed
	d.mu.Unlock()
	d.print.state(s, d.flags.door.addr)
	if !welcomed && d.flags.connectTimeout > 0 && errors.As(s.Err, new(tls.RecordHeaderError)) {
		d.cancel(unreachablef("cannot connect to %s: %s. Something other than an edge listens there: name the edge's port with --addr", d.flags.door.addr, plain(s.Err)))
	}
	if first && d.flags.logout {
		d.leaving.Go(d.logout)
	}
}

// logout ends the run by itself: the edge closes once the device is removed.
func (d *device) logout() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := d.client.Logout(ctx); err != nil {
		d.cancel(unreachablef("the edge did not confirm that the device was removed, try again: %w", err))
	}
}

func (d *device) onEvent(ctx context.Context, e client.Event) error {
	n, err := d.print.event(e)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.events
	d.events += n
	if d.flags.once > 0 && before < d.flags.once && d.events >= d.flags.once {
		d.leaving.Go(func() { d.leave(ctx) })
	}
	return nil
}

func (d *device) leave(ctx context.Context) {
	sleep.For(ctx, ackGrace)
	d.cancel(errEnough)
}
