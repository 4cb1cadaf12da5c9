package apns

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"regexp"

	"github.com/hawser-edge/hawser/push"
)

// Environments of Apple's service.
const (
	Production = "production"
	Sandbox    = "sandbox"

	hostProduction = "https://api.push.apple.com"
	hostSandbox    = "https://api.sandbox.push.apple.com"
)

// Config describes one application.
type Config struct {
	// TeamID and KeyID are the ten letters and digits that Apple shows with
	// the key.
	TeamID, KeyID string
	// Key is the content of the .p8 file.
	Key push.Secret
	// Topic is the application's bundle id. Empty: the message's App.
	Topic string
	// Environment is Production or Sandbox. Empty: Production.
	Environment string
	// Endpoint replaces the environment's address, for tests: https://host:port.
	Endpoint string
	// RootCAs verify the endpoint. Nil: the system's.
	RootCAs *x509.CertPool
}

// ErrConfig is wrapped by every complaint about a Config.
var ErrConfig = errors.New("apns: configuration")

var identifier = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)

// endpoint checks the configuration and returns the address to connect to.
func (c Config) endpoint() (*url.URL, error) {
	if !identifier.MatchString(c.TeamID) {
		return nil, fmt.Errorf("%w: team id %q: give the ten characters that Apple shows under Membership", ErrConfig, c.TeamID)
	}
	if !identifier.MatchString(c.KeyID) {
		return nil, fmt.Errorf("%w: key id %q: give the ten characters that Apple shows under Keys", ErrConfig, c.KeyID)
	}
	address := c.Endpoint
	switch {
	case address != "":
	case c.Environment == "" || c.Environment == Production:
		address = hostProduction
	case c.Environment == Sandbox:
		address = hostSandbox
	default:
		return nil, fmt.Errorf("%w: environment %q: use %q or %q", ErrConfig, c.Environment, Production, Sandbox)
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || (u.Path != "" && u.Path != "/") {
		return nil, fmt.Errorf("%w: endpoint %q: use https://host or https://host:port", ErrConfig, address)
	}
	u.Path = ""
	return u, nil
}
