package fcm

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"golang.org/x/oauth2/google"
	"golang.org/x/oauth2/jwt"

	"github.com/hawser-edge/hawser/push"
)

const scope = "https://www.googleapis.com/auth/firebase.messaging"

// Config describes one Firebase project.
type Config struct {
	// Credentials is the content of the service account's JSON file.
	Credentials push.Secret
	// Project is the Firebase project's id. Empty: the service account's.
	Project string
	// Endpoint replaces Google's address, for tests: https://host:port. The
	// address of the token endpoint stands in the credentials.
	Endpoint string
	// RootCAs verify both endpoints. Nil: the system's.
	RootCAs *x509.CertPool
	// NoDeviceLimits sends to a device as often as there is something to send,
	// for simulators and projects that were granted more than others.
	NoDeviceLimits bool
	// Log is required.
	Log *slog.Logger
}

// ErrConfig is wrapped by every complaint about a Config.
var ErrConfig = errors.New("fcm: configuration")

// account is a checked Config.
type account struct {
	push.Opaque

	project  string
	oauth    *jwt.Config
	endpoint *url.URL
}

func (c Config) check() (account, error) {
	if c.Log == nil {
		return account{}, fmt.Errorf("%w: Log must be set", ErrConfig)
	}
	// The parser's own errors may quote the file, which holds a private key.
	oauth, err := google.JWTConfigFromJSON(c.Credentials, scope)
	if err != nil || oauth.Email == "" || len(oauth.PrivateKey) == 0 {
		return account{}, fmt.Errorf("%w: the credentials are not a service account's JSON file; make one in the Firebase console under Project settings, Service accounts", ErrConfig)
	}
	var file struct {
		Project string `json:"project_id"`
	}
	_ = json.Unmarshal(c.Credentials, &file) // read once already
	project := c.Project
	if project == "" {
		project = file.Project
	}
	if project == "" || strings.ContainsAny(project, "/?#% ") {
		return account{}, fmt.Errorf("%w: project %q: give the Firebase project's id", ErrConfig, project)
	}
	endpoint, err := c.endpoint()
	return account{project: project, oauth: oauth, endpoint: endpoint}, err
}

func (c Config) endpoint() (*url.URL, error) {
	address := c.Endpoint
	if address == "" {
		address = defaultEndpoint
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("%w: endpoint %q: use https://host or https://host:port", ErrConfig, address)
	}
	u.Path = ""
	return u, nil
}
