package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/sleep"
)

// ackGrace is how long connect --once waits before it leaves, so that the
// last event is acknowledged and not pushed or delivered again.
const ackGrace = 200 * time.Millisecond

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
