package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/routing/devices"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// PushDesk is an operator's way to the pushes that wait or were given up: it
// logs in to NATS as the role push of a configuration does. Close it.
type PushDesk struct {
	// Reader shows what waits and what was given up.
	Reader *pushqueue.Reader

	// Static after OpenPushDesk.
	cfg *config.Config
	nc  *nats.Conn
	js  jetstream.JetStream
}

// OpenPushDesk logs in within 10 s. The configuration has the role push.
func OpenPushDesk(cfg *config.Config) (*PushDesk, error) {
	if !slices.Contains(cfg.Roles, config.RolePush) {
		return nil, errors.New("the configuration has not the role push: name that of a push process")
	}
	opts, name, err := natsOptions(cfg, config.RolePush, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	opts = append(opts, nats.RetryOnFailedConnect(false), nats.Timeout(checkTimeout))
	nc, err := nats.Connect(strings.Join(cfg.NATS.URLs, ","), opts...)
	switch {
	case errors.Is(err, nats.ErrNoServers):
		return nil, fmt.Errorf("no server of nats.urls answers: see that NATS runs and can be reached from here: %w", err)
	case errors.Is(err, nats.ErrAuthorization):
		return nil, fmt.Errorf("NATS refuses the user %s: its servers must have the users that hawser config nats prints, with the passwords of the configuration's files: %w", name, err)
	case err != nil:
		return nil, fmt.Errorf("log in to NATS as %s: %w", name, err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("use JetStream: %w", err)
	}
	return &PushDesk{Reader: pushqueue.NewReader(js), cfg: cfg, nc: nc, js: js}, nil
}

// Close ends what is under way and logs out.
func (d *PushDesk) Close() {
	d.Reader.Close()
	d.nc.Close()
}

// A PushDevice is what is known of a device that may be pushed.
type PushDevice struct {
	// Found is false where no device of that name is registered; the rest is
	// empty then.
	Found bool
	// Platform is ios, android or other, App the application at its provider.
	Platform, App string
	// HasToken is set where a push has an address, since RegisteredAt.
	HasToken     bool
	RegisteredAt time.Time
	// Configured is set where push.apps has the application.
	Configured bool
}

// Device reads a device's record.
func (d *PushDesk) Device(ctx context.Context, tenant, user, device string) (PushDevice, error) {
	store, err := devices.Open(ctx, d.js)
	if err != nil {
		return PushDevice{}, err
	}
	rec, err := store.Record(ctx, tenant, user, device)
	if err != nil || !rec.Found {
		return PushDevice{}, err
	}
	_, configured := findApp(d.cfg, tenant, rec.Platform, rec.App)
	return PushDevice{
		Found: true, Platform: rec.Platform, App: rec.App, HasToken: rec.Token != "",
		RegisteredAt: rec.RegisteredAt, Configured: configured,
	}, nil
}

func findApp(cfg *config.Config, tenant, platform, app string) (config.App, bool) {
	for _, a := range cfg.Push.Apps {
		if a.App == app && (tenant == "" || a.Tenant == tenant) && (platform == "" || platformOf(a) == platform) {
			return a, true
		}
	}
	return config.App{}, false
}

func platformOf(a config.App) string {
	if a.Provider == config.ProviderAPNs {
		return push.IOS
	}
	return push.Android
}

// ErrNoApp says that push.apps has no such application.
var ErrNoApp = errors.New("push.apps has no such application")

// TestPush tries the credential of an application without reaching any device,
// or, with a token, sends a test to that device. It needs no NATS. sent is false
// where nothing was sent, or the push service did not take it.
func TestPush(ctx context.Context, cfg *config.Config, tenant, app, token string, log *slog.Logger) (d push.Diagnosis, sent bool, err error) {
	a, ok := findApp(cfg, tenant, "", app)
	if !ok {
		return d, false, ErrNoApp
	}
	only := *cfg
	only.Push.Apps = []config.App{a}
	all, err := newProviders(parts{cfg: &only, log: log})
	if err != nil {
		return d, false, err
	}
	defer all.close()
	checker, ok := all.apps[push.AppKey{Tenant: a.Tenant, Platform: platformOf(a), App: a.App}].(push.Checker)
	if !ok {
		return d, false, fmt.Errorf("the push service of %s cannot be tried", a.App)
	}
	if d = checker.Check(ctx); token == "" || d.Finding == push.CredentialRefused {
		return d, false, nil
	}
	r := checker.Send(ctx, testMessage(a.App, token))
	if r.Verdict == push.Delivered {
		return push.Diagnosis{Finding: push.CredentialWorks}, true, nil
	}
	return checker.Explain(r), false, nil
}

func testMessage(app, token string) push.Message {
	return push.Message{
		App: app, Token: token, ID: uuid.New(), Collapse: "hawser-test", Urgency: push.High,
		Content: push.Content{Title: "hawser", Body: "This is a test.", Class: "hawser-test"},
		Hawser:  push.Hawser{V: 1, User: "hawser-test", Kind: "test", Version: "1"},
		Expiry:  time.Now().Add(time.Minute),
	}
}
