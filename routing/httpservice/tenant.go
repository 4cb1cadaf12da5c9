package httpservice

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/breaker"
)

// tenant is what the calls of one tenant share.
type tenant struct {
	// Static after construction.
	name    string
	secrets [][]byte
	client  *http.Client
	slots   chan struct{}
	targets map[string]*target // by URL
}

// target is one URL of a tenant.
type target struct {
	// Static after construction.
	url     *url.URL
	breaker *breaker.Breaker
}

// maxRest is short: edges have breakers of their own, and a device may meet
// both.
const maxRest = 2 * time.Second

// newTenant returns nil for a tenant without services over HTTP.
func newTenant(cfg Config, name string) (*tenant, error) {
	configured, _ := cfg.Catalog.Tenant(name)
	if len(configured.HTTP) == 0 {
		return nil, nil
	}
	if len(cfg.Secrets[name]) == 0 {
		return nil, errors.New("there is no secret to sign calls with")
	}
	t := &tenant{
		name: name, secrets: cfg.Secrets[name], client: newClient(cfg),
		slots: make(chan struct{}, cfg.MaxCalls), targets: map[string]*target{},
	}
	for service, raw := range configured.HTTP {
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "https" && !plainToSelf(u) {
			return nil, fmt.Errorf("service %s: the URL must be https, or http to this machine", service)
		}
		log := cfg.Log.With("tenant", name, "service", service, "host", u.Host)
		t.targets[raw] = &target{url: u, breaker: breaker.New(breaker.Config{MaxRest: maxRest, OnChange: func(open bool) {
			if open {
				log.Warn("service over HTTP does not answer: devices are told so at once, and a call is let through from time to time")
			} else {
				log.Info("service over HTTP answers again")
			}
		}})}
	}
	return t, nil
}

func plainToSelf(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// newClient calls services and nothing else: it follows no redirect, asks no
// proxy, keeps no cookie, and unpacks nothing, which would go around the bound
// of an answer.
func newClient(cfg Config) *http.Client {
	dialer := &net.Dialer{Timeout: 3 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: cfg.RootCAs},
			TLSHandshakeTimeout:    5 * time.Second,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true,
			MaxConnsPerHost:        cfg.MaxCalls,
			MaxIdleConns:           cfg.MaxCalls,
			MaxIdleConnsPerHost:    min(cfg.MaxCalls, 32),
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 16 << 10,
		},
	}
}

// target of a call.
func (t *tenant) target(catalog *routing.Catalog, service, method string) *target {
	url, _ := catalog.HTTPService(t.name, service, method)
	return t.targets[url]
}
