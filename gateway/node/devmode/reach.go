package devmode

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
)

// DeviceTLS returns a configuration for devices: it trusts the development
// authority and nobody else.
func (e *Environment) DeviceTLS() (*tls.Config, error) {
	pem, err := os.ReadFile(e.Path(CAFile))
	if err != nil {
		return nil, fmt.Errorf("read the development authority: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}, nil
}

// ConnectNATS connects as one of Users, once; a connection that is lost comes
// back by itself. The caller closes it.
func (e *Environment) ConnectNATS(role routing.Role, label string, opts ...nats.Option) (*nats.Conn, error) {
	u, err := e.User(role, label)
	if err != nil {
		return nil, err
	}
	opts = append([]nats.Option{
		nats.UserInfo(u.Name(), u.Password), nats.CustomInboxPrefix(routing.InboxPrefix(role, label)), nats.MaxReconnects(-1),
	}, opts...)
	nc, err := nats.Connect(e.NATSURL, opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS as %s: %w", u.Name(), err)
	}
	return nc, nil
}

// AwaitNATS is ConnectNATS for a program that goes by that name and breaks the
// servers on purpose: it waits until they are there, and a connection that is lost
// soon comes back.
func (e *Environment) AwaitNATS(ctx context.Context, role routing.Role, label, program string) (nc *nats.Conn, err error) {
	opts := append(routing.ConnectOptions(role, label), nats.Name(program), nats.RetryOnFailedConnect(false), nats.ReconnectWait(100*time.Millisecond))
	err = Until(ctx, func() (err error) {
		nc, err = e.ConnectNATS(role, label, opts...)
		return err
	})
	return nc, err
}

// Ready asks the node whether it can take work; nil says yes.
func (n Node) Ready(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.Admin+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is not ready: %s", n.Name, resp.Status)
	}
	return nil
}
