package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/demo"
	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/push/pushtest"
	"github.com/hawser-edge/hawser/routing"
)

// composed is a fleet of containers, made as deploy/README.md tells an operator
// to, but for the push credentials, which are those of the simulators.
type composed struct {
	// Static after newComposed.
	root    string   // of the repository
	dir     string   // of this run
	compose []string // the command
	host    string   // of the engine; "" is docker's own choice
	project string   // of compose, and the images' tag

	// Set by Start.
	ports   []io.Closer
	addrs   map[string]string // by compose's variable
	apns    *pushtest.APNs
	fcm     *pushtest.FCM
	signer  *token.Signer
	members []demo.Member
}

// The services of compose.yaml that are no NATS servers.
var services = []string{"edge-1", "edge-2", "router-1", "router-2", "push-1", "push-2"}

func newComposed(root, dir string, compose []string, host string) *composed {
	return &composed{
		root: root, dir: dir, compose: compose, host: host,
		project: strings.ToLower(filepath.Base(dir)), addrs: map[string]string{},
	}
}

func (c *composed) fleet() string { return filepath.Join(c.dir, "fleet") }

// Start implements demo.Fleet.
func (c *composed) Start(ctx context.Context) ([]string, error) {
	for _, do := range []func(context.Context) error{c.takePorts, c.simulate, c.prepare, c.build} {
		if err := do(ctx); err != nil {
			return nil, err
		}
	}
	began := time.Now()
	if _, err := c.run(ctx, "up", "-d", "--no-build"); err != nil {
		return nil, err
	}
	c.findMembers()
	for _, m := range c.members {
		if err := ready(ctx, m); err != nil {
			return nil, err
		}
	}
	version, err := c.docker(ctx, "version", "--format", "{{.Server.Version}}")
	if err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("Docker %s runs %s/compose.yaml, images from nothing", version, "deploy"),
		fmt.Sprintf("edges     devices on %s and %s, TCP and UDP", c.addrs["EDGE_1"], c.addrs["EDGE_2"]),
		fmt.Sprintf("routers   backends on http://%s and http://%s", c.addrs["API_1"], c.addrs["API_2"]),
		fmt.Sprintf("push      to simulators of APNs (%s) and FCM (%s), outside the containers", c.apns.URL(), c.fcm.URL()),
		fmt.Sprintf("NATS      %s, three copies of every stream", strings.Join(c.natsURLs(), ", ")),
		fmt.Sprintf("all ready %.1f s after compose up", time.Since(began).Seconds()),
	}, nil
}

// findMembers says where the story reaches the processes.
func (c *composed) findMembers() {
	for _, name := range services {
		role, number, _ := strings.Cut(name, "-")
		c.members = append(c.members, demo.Member{
			Name: name, Role: routing.Role(role),
			Devices: c.addrs["EDGE_"+number], API: c.addrs["API_"+number],
			Admin: c.addrs["ADMIN_"+strings.ToUpper(role)+"_"+number],
		})
	}
}

func ready(ctx context.Context, m demo.Member) error {
	n := devmode.Node{Name: m.Name, Admin: m.Admin}
	if err := devmode.Until(ctx, func() error { return n.Ready(ctx) }); err != nil {
		return fmt.Errorf("wait for %s: %w", m.Name, err)
	}
	return nil
}

// Stop implements demo.Fleet: the processes are stopped in order, then
// everything is removed, and nothing may be left.
func (c *composed) Stop(ctx context.Context) error {
	var errs []error
	for _, step := range []func(context.Context) error{c.endAll, c.keepLogs, c.remove, c.nothingLeft} {
		errs = append(errs, step(ctx))
	}
	if c.apns != nil {
		_ = c.apns.Close() // nothing is left to do with an error
	}
	if c.fcm != nil {
		_ = c.fcm.Close()
	}
	for _, p := range c.ports {
		_ = p.Close()
	}
	return errors.Join(errs...)
}

// Logs implements demo.Fleet.
func (c *composed) Logs() string { return c.dir }

// Members implements demo.Fleet.
func (c *composed) Members() []demo.Member { return c.members }

// DeviceTLS implements demo.Fleet.
func (c *composed) DeviceTLS() (*tls.Config, error) {
	pem, err := os.ReadFile(filepath.Join(c.fleet(), "keys", "edge.pem"))
	if err != nil {
		return nil, fmt.Errorf("read the edges' certificate: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}, nil
}

// tokenTTL is longer than any run.
const tokenTTL = time.Hour

// Token implements demo.Fleet.
func (c *composed) Token(user, device string) (string, error) {
	now := time.Now()
	return c.signer.Sign(token.Identity{Tenant: "demo", User: user, Device: device, ExpiresAt: now.Add(tokenTTL)}, now)
}

// APIKeyFile implements demo.Fleet.
func (c *composed) APIKeyFile() string { return filepath.Join(c.fleet(), "backend", "demo.key") }

// ConnectNATS implements demo.Fleet.
func (c *composed) ConnectNATS(role routing.Role, label string) (*nats.Conn, error) {
	folder := label
	if role == routing.RoleBackend {
		folder = "backend"
	}
	password, err := os.ReadFile(filepath.Join(c.fleet(), folder, "nats.password"))
	if err != nil {
		return nil, fmt.Errorf("read the NATS password of %s: %w", label, err)
	}
	nc, err := nats.Connect(strings.Join(c.natsURLs(), ","),
		nats.UserInfo(routing.UserName(role, label), strings.TrimSpace(string(password))),
		nats.CustomInboxPrefix(routing.InboxPrefix(role, label)), nats.MaxReconnects(-1), nats.ReconnectWait(250*time.Millisecond))
	if err != nil {
		return nil, fmt.Errorf("connect to NATS as %s: %w", routing.UserName(role, label), err)
	}
	return nc, nil
}

func (c *composed) natsURLs() []string {
	return []string{"nats://" + c.addrs["NATS_1"], "nats://" + c.addrs["NATS_2"], "nats://" + c.addrs["NATS_3"]}
}

// Providers implements demo.Fleet.
func (c *composed) Providers() (*pushtest.APNs, *pushtest.FCM) { return c.apns, c.fcm }
