package node

import (
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/config"
)

// A NATSCheck is what one role found at one NATS server.
type NATSCheck struct {
	// URL of the server.
	URL string
	// User is the NATS user that was tried, or its credentials file.
	User string
	// Err is nil where the server let the user in.
	Err error
}

// checkTimeout bounds one log-in. A server that compares the passwords of a
// whole fleet at that moment answers late, and is no less right.
const checkTimeout = 10 * time.Second

// CheckNATS logs each role of a configuration in to each server, once, and
// goes again. It takes at most 10 s a role and server, one after the other.
func CheckNATS(cfg *config.Config) []NATSCheck {
	var all []NATSCheck
	for _, role := range cfg.Roles {
		for _, url := range cfg.NATS.URLs {
			all = append(all, checkNATS(cfg, role, url))
		}
	}
	return all
}

func checkNATS(cfg *config.Config, role config.Role, url string) NATSCheck {
	opts, name, err := natsOptions(cfg, role, slog.New(slog.DiscardHandler))
	if err != nil {
		return NATSCheck{URL: url, User: cfg.NATS.User(role).User, Err: err}
	}
	opts = append(opts, nats.RetryOnFailedConnect(false), nats.NoReconnect(), nats.Timeout(checkTimeout), nats.IgnoreDiscoveredServers())
	nc, err := nats.Connect(url, opts...)
	if err == nil {
		nc.Close()
	}
	return NATSCheck{URL: url, User: name, Err: err}
}
