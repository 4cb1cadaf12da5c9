package node

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"time"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/apns"
	"github.com/hawser-edge/hawser/push/fcm"
)

// providers are the senders of the configured applications.
type providers struct {
	// Static after newProviders.
	apps        map[push.AppKey]push.Provider
	removals    map[push.AppKey]push.Removal
	apns        *apns.Pool
	credentials []*credential
	log         *slog.Logger
}

func newProviders(p parts) (*providers, error) {
	out := &providers{
		apps: map[push.AppKey]push.Provider{}, removals: map[push.AppKey]push.Removal{},
		apns: apns.NewPool(p.log), log: p.log,
	}
	changes := newCredentialMetrics(p.registry, out.waiting)
	keys := map[string]string{}
	for _, app := range p.cfg.Push.Apps {
		c := &credential{app: app, log: p.log, changes: changes, open: out.open}
		if err := c.first(keys); err != nil {
			out.close()
			return nil, fmt.Errorf("open the push provider of %s: %w", app.App, err)
		}
		out.credentials = append(out.credentials, c)
		// An application belongs to one tenant: a device of another one must
		// not be able to use its credentials by naming it.
		out.apps[c.key()], out.removals[c.key()] = c.provider.Provider(), removal(app.TokenRemoval)
	}
	return out, nil
}

func removal(mode string) push.Removal {
	switch mode {
	case config.RemovalTrusted:
		return push.RemovalTrusted
	case config.RemovalNever:
		return push.RemovalNever
	default:
		return push.RemovalGuarded
	}
}

// open returns a provider with these credentials, and what ends it.
func (o *providers) open(app config.App, m material) (push.Checker, func(), error) {
	roots, err := providerRoots(app)
	if err != nil {
		return nil, nil, err
	}
	if app.Provider == config.ProviderAPNs {
		provider, err := o.apns.App(apns.Config{
			TeamID: app.TeamID, KeyID: m.keyID, Key: m.secret, Topic: app.Topic,
			Environment: app.Environment, Endpoint: app.Endpoint, RootCAs: roots,
		})
		if err != nil {
			return nil, nil, err
		}
		return provider, provider.Close, nil
	}
	client, err := fcm.New(fcm.Config{
		Credentials: m.secret, Project: app.App, Endpoint: app.Endpoint, RootCAs: roots, Log: o.log,
		NoDeviceLimits: app.DeviceLimits == config.LimitsNone,
	})
	if err != nil {
		return nil, nil, err
	}
	return client, client.Close, nil
}

// providerRoots returns nil, for the system's authorities, where none are
// configured.
func providerRoots(app config.App) (*x509.CertPool, error) {
	if app.CAFile == "" {
		return nil, nil
	}
	return certPool(app.CAFile)
}

// run follows the files of the credentials until ctx ends. renewed is told of
// applications that have another one: what the former one had been refused need
// not wait any more.
func (o *providers) run(ctx context.Context, renewed func(push.AppKey)) error {
	ticker := time.NewTicker(certificatePoll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		for _, c := range o.credentials {
			if c.follow(ctx) {
				renewed(c.key())
			}
		}
	}
}

// waiting is how many applications have a changed credential that is not used.
func (o *providers) waiting() float64 {
	n := 0.0
	for _, c := range o.credentials {
		if c.unused.Load() {
			n++
		}
	}
	return n
}

// close ends the connections. Messages under way fail.
func (o *providers) close() {
	o.apns.Close()
	for _, c := range o.credentials {
		c.provider.Close()
	}
}
