package node

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/routing"
)

// connectNATS opens the connection of one role under the role's own user. It
// returns at once: where no server can be reached it goes on trying for as
// long as the connection is open, and nothing is buffered meanwhile, because
// all that travels here is repeated from state. The caller closes it.
func connectNATS(c *config.Config, role config.Role, log *slog.Logger) (*nats.Conn, error) {
	log = log.With("nats_role", string(role))
	opts := append(routing.ConnectOptions(routing.Role(role), c.Name),
		nats.ConnectHandler(func(*nats.Conn) { log.Info("connected to NATS") }),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info("connected to NATS again") }),
		nats.DisconnectErrHandler(func(nc *nats.Conn, err error) {
			if !nc.IsClosed() { // by ourselves, at the end
				log.Warn("NATS is away, trying again", "error", err)
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Warn("NATS reported an error", "error", err)
		}),
	)
	login, err := natsLogin(c.NATS.User(role))
	if err != nil {
		return nil, err
	}
	opts = append(opts, login)
	if c.NATS.CAFile != "" {
		pool, err := certPool(c.NATS.CAFile)
		if err != nil {
			return nil, err
		}
		opts = append(opts, nats.Secure(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}))
	}
	nc, err := nats.Connect(strings.Join(c.NATS.URLs, ","), opts...)
	if err != nil {
		return nil, fmt.Errorf("connect the role %s to NATS: %w", role, err)
	}
	return nc, nil
}

func natsLogin(u *config.NATSUser) (nats.Option, error) {
	if u.CredsFile != "" {
		return nats.UserCredentials(string(u.CredsFile)), nil
	}
	password, err := u.PasswordFile.ReadTrimmed()
	if err != nil {
		return nil, fmt.Errorf("read the NATS password of %s: %w", u.User, err)
	}
	return nats.UserInfo(u.User, string(password)), nil
}

// certPool reads the authorities of a PEM file.
func certPool(file config.File) (*x509.CertPool, error) {
	pem, err := file.Read()
	if err != nil {
		return nil, fmt.Errorf("read the certificate authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: %w", file, errNoCertificate)
	}
	return pool, nil
}

var errNoCertificate = errors.New("there is no certificate in the file: give PEM")
