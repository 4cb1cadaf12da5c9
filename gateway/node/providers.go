package node

import (
	"crypto/x509"
	"fmt"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/apns"
	"github.com/hawser-edge/hawser/push/fcm"
)

// providers are the senders of the configured applications.
type providers struct {
	// Static after newProviders.
	apps     map[push.AppKey]push.Provider
	removals map[push.AppKey]push.Removal
	apns     *apns.Pool
	fcm      []*fcm.Client
}

func newProviders(p parts) (*providers, error) {
	out := &providers{apps: map[push.AppKey]push.Provider{}, removals: map[push.AppKey]push.Removal{}, apns: apns.NewPool(p.log)}
	for _, app := range p.cfg.Push.Apps {
		provider, platform, err := out.open(app, p)
		if err != nil {
			out.close()
			return nil, fmt.Errorf("open the push provider of %s: %w", app.App, err)
		}
		// An application belongs to one tenant: a device of another one must
		// not be able to use its credentials by naming it.
		key := push.AppKey{Tenant: app.Tenant, Platform: platform, App: app.App}
		out.apps[key], out.removals[key] = provider, removal(app.TokenRemoval)
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

func (o *providers) open(app config.App, p parts) (push.Provider, string, error) {
	roots, err := providerRoots(app)
	if err != nil {
		return nil, "", err
	}
	switch app.Provider {
	case config.ProviderAPNs:
		provider, err := o.openAPNs(app, roots)
		return provider, push.IOS, err
	default:
		provider, err := o.openFCM(app, roots, p)
		return provider, push.Android, err
	}
}

// providerRoots returns nil, for the system's authorities, where none are
// configured.
func providerRoots(app config.App) (*x509.CertPool, error) {
	if app.CAFile == "" {
		return nil, nil
	}
	return certPool(app.CAFile)
}

func (o *providers) openAPNs(app config.App, roots *x509.CertPool) (push.Provider, error) {
	key, err := app.Secret()
	if err != nil {
		return nil, err
	}
	keyID, err := app.ReadKeyID()
	if err != nil {
		return nil, err
	}
	return o.apns.App(apns.Config{
		TeamID: app.TeamID, KeyID: keyID, Key: key, Topic: app.Topic,
		Environment: app.Environment, Endpoint: app.Endpoint, RootCAs: roots,
	})
}

func (o *providers) openFCM(app config.App, roots *x509.CertPool, p parts) (push.Provider, error) {
	credentials, err := app.Secret()
	if err != nil {
		return nil, err
	}
	client, err := fcm.New(fcm.Config{
		Credentials: credentials, Project: app.App, Endpoint: app.Endpoint, RootCAs: roots, Log: p.log,
	})
	if err != nil {
		return nil, err
	}
	o.fcm = append(o.fcm, client)
	return client, nil
}

func (o *providers) close() {
	o.apns.Close()
	for _, client := range o.fcm {
		client.Close()
	}
}
