package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Push is the section of the role push.
type Push struct {
	// Gather is how long events of one device and kind are gathered into
	// one push; urgent events wait less. 0: 1s.
	Gather time.Duration `yaml:"gather"`
	// ConfirmRemoval is how long after a push service rejected a token as gone
	// another rejection may remove it; a token that only looks bad has ten
	// times as long. 0: 1m.
	ConfirmRemoval time.Duration `yaml:"confirm_removal"`
	// Apps are the applications that can be pushed. An application that is
	// missing here is never pushed.
	Apps []App `yaml:"apps,omitempty"`
}

// App is one application at its push provider.
type App struct {
	// Tenant is the name of the one tenant whose devices may be pushed with
	// these credentials. Required.
	Tenant string `yaml:"tenant"`
	// App is what devices send as Hello.app: the bundle identifier with
	// APNs, the Firebase project with FCM. Required, once a
	// tenant and provider.
	App string `yaml:"app"`
	// Provider is apns or fcm. Required.
	Provider string `yaml:"provider"`
	// Environment is production or sandbox. APNs only; required there.
	Environment string `yaml:"environment,omitempty"`
	// TeamID is the Apple team, ten characters. APNs only; required there.
	TeamID string `yaml:"team_id,omitempty"`
	// KeyID names the key in KeyFile, ten characters. APNs only; required
	// there unless KeyIDFile is set.
	KeyID string `yaml:"key_id,omitempty"`
	// KeyIDFile is a file with the key's id, so that the key can be changed
	// for another one without a restart. APNs only.
	KeyIDFile File `yaml:"key_id_file,omitempty"`
	// KeyFile is the .p8 file of the key. APNs only; required there unless
	// SecretEnv is set. It is read anew when it changes.
	KeyFile SecretFile `yaml:"key_file,omitempty"`
	// Topic is the apns-topic. APNs only. Empty: App.
	Topic string `yaml:"topic,omitempty"`
	// CredentialsFile is the JSON file of a Google service account. FCM
	// only; required there unless SecretEnv is set. It is read anew when it
	// changes.
	CredentialsFile SecretFile `yaml:"credentials_file,omitempty"`
	// SecretEnv is the environment variable that holds what KeyFile or
	// CredentialsFile else does.
	SecretEnv SecretEnv `yaml:"secret_env,omitempty"`
	// TokenRemoval says whether tokens that the provider rejects are removed:
	// guarded, only while it takes the pushes to the application's other
	// devices; trusted, by its word alone; or never. Empty: guarded.
	TokenRemoval string `yaml:"token_removal,omitempty"`
	// DeviceLimits says whether a device is pushed no more often than the
	// provider delivers: provider, as its documentation has it; or none, where
	// the provider is a simulator or has granted more. FCM only. Empty: provider.
	DeviceLimits string `yaml:"device_limits,omitempty"`
	// Endpoint is the base URL of the provider, for simulators and proxies.
	// Empty: the provider's own.
	Endpoint string `yaml:"endpoint,omitempty"`
	// CAFile is a PEM file with the authorities of Endpoint's certificate.
	// Empty: those of the system.
	CAFile File `yaml:"ca_file,omitempty"`
}

// What becomes of tokens that a provider rejects.
const (
	RemovalGuarded = "guarded"
	RemovalTrusted = "trusted"
	RemovalNever   = "never"
)

// Whose limits on the pushes to one device are kept.
const (
	LimitsProvider = "provider"
	LimitsNone     = "none"
)

// The push providers.
const (
	ProviderAPNs = "apns"
	ProviderFCM  = "fcm"
)

func (p *Push) setDefaults() {
	orDefault(&p.Gather, time.Second)
	orDefault(&p.ConfirmRemoval, time.Minute)
	for i := range p.Apps {
		orDefault(&p.Apps[i].TokenRemoval, RemovalGuarded)
		if p.Apps[i].Provider == ProviderFCM {
			orDefault(&p.Apps[i].DeviceLimits, LimitsProvider)
		}
		if p.Apps[i].Provider == ProviderAPNs {
			orDefault(&p.Apps[i].Topic, p.Apps[i].App)
		}
	}
}

func (p *Push) check(k *checker, tenants []Tenant) {
	k.duration("push.gather", p.Gather, time.Millisecond, time.Minute)
	k.duration("push.confirm_removal", p.ConfirmRemoval, time.Second, time.Hour)
	seen := map[[3]string]int{}
	for i := range p.Apps {
		a, path := &p.Apps[i], index("push.apps", i)
		a.check(k, path)
		if !slices.ContainsFunc(tenants, func(t Tenant) bool { return t.Name == a.Tenant }) {
			k.addf(path+".tenant", "is %.80q: name one of tenants, whose devices use the application", a.Tenant)
		}
		key := [3]string{a.Tenant, a.Provider, a.App}
		if first, dup := seen[key]; dup {
			k.addf(path+".app", "%q stands already in push.apps[%d]: keep one", a.App, first)
		} else {
			seen[key] = i
		}
	}
}

func (a *App) check(k *checker, path string) {
	if a.App == "" || len(a.App) > 256 {
		k.addf(path+".app", "is required and at most 256 bytes: give the bundle identifier or the Firebase project")
	}
	k.oneOf(path+".provider", a.Provider, ProviderAPNs, ProviderFCM)
	k.oneOf(path+".token_removal", a.TokenRemoval, RemovalGuarded, RemovalTrusted, RemovalNever)
	switch a.Provider {
	case ProviderAPNs:
		a.checkAPNs(k, path)
	case ProviderFCM:
		a.checkFCM(k, path)
	}
	checkEndpoint(k, path+".endpoint", a.Endpoint)
	k.optionalCA(path+".ca_file", a.CAFile)
}

func (a *App) checkAPNs(k *checker, path string) {
	k.oneOf(path+".environment", a.Environment, "production", "sandbox")
	if len(a.TeamID) != 10 {
		k.addf(path+".team_id", "is %q: Apple gives it ten characters", a.TeamID)
	}
	a.checkKeyID(k, path)
	a.checkSecret(k, path, "key_file", a.KeyFile)
	if a.CredentialsFile != "" {
		k.addf(path+".credentials_file", "belongs to fcm: an apns app has key_file")
	}
	if a.DeviceLimits != "" {
		k.addf(path+".device_limits", "belongs to fcm: Apple says itself when a device had too much")
	}
}

func (a *App) checkFCM(k *checker, path string) {
	a.checkSecret(k, path, "credentials_file", a.CredentialsFile)
	k.oneOf(path+".device_limits", a.DeviceLimits, LimitsProvider, LimitsNone)
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"environment", a.Environment != ""}, {"team_id", a.TeamID != ""}, {"key_id", a.KeyID != ""},
		{"key_id_file", a.KeyIDFile != ""}, {"key_file", a.KeyFile != ""}, {"topic", a.Topic != ""},
	} {
		if f.set {
			k.addf(path+"."+f.name, "belongs to apns: an fcm app has credentials_file only")
		}
	}
}

// checkEndpoint lets plain HTTP through on the loopback only: push tokens
// and provider credentials travel there.
func checkEndpoint(k *checker, path, raw string) {
	if raw == "" {
		return
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.User != nil || !strings.HasPrefix(u.Scheme, "http"):
		k.addf(path, "is not a URL: write for example https://127.0.0.1:8443")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		k.addf(path, "is plain HTTP to %s: use https, push tokens travel there", fmt.Sprintf("%.80q", u.Host))
	}
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
