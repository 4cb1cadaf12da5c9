package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/push/pushtest"
	"github.com/hawser-edge/hawser/routing/embednats"
)

// takePorts gives each variable of compose.yaml a free address.
func (c *composed) takePorts(context.Context) error {
	for _, names := range [][]string{
		{"EDGE_1", "EDGE_2", "API_1", "API_2", "NATS_1", "NATS_2", "NATS_3", "MONITOR_1", "MONITOR_2", "MONITOR_3"},
		{"ADMIN_EDGE_1", "ADMIN_EDGE_2", "ADMIN_ROUTER_1", "ADMIN_ROUTER_2", "ADMIN_PUSH_1", "ADMIN_PUSH_2"},
	} {
		addrs, held, err := embednats.FreeAddrs(len(names))
		if err != nil {
			return err
		}
		c.ports = append(c.ports, held)
		for i, name := range names {
			c.addrs[name] = addrs[i]
		}
	}
	return nil
}

// simulate starts the simulators where containers reach them: at the machine's
// end of the engine's bridge.
func (c *composed) simulate(ctx context.Context) error {
	gateway, err := c.bridge(ctx)
	if err != nil {
		return err
	}
	addr := net.JoinHostPort(gateway, "0")
	if c.apns, err = pushtest.NewAPNs(pushtest.APNsOptions{Addr: addr, Topics: []string{devmode.IOSApp}}); err != nil {
		return err
	}
	c.fcm, err = pushtest.NewFCM(pushtest.FCMOptions{Addr: addr, Project: devmode.AndroidApp})
	return err
}

// bridge is this machine's address on the engine's own bridge.
func (c *composed) bridge(ctx context.Context) (string, error) {
	name, err := c.docker(ctx, "network", "inspect", "bridge", "--format", `{{index .Options "com.docker.network.bridge.name"}}`)
	if err != nil {
		return "", err
	}
	link, err := net.InterfaceByName(name)
	if err != nil {
		return "", fmt.Errorf("find the engine's bridge %q on this machine, where containers reach the simulators: %w", name, err)
	}
	addrs, err := link.Addrs()
	if err != nil {
		return "", fmt.Errorf("read the addresses of %s: %w", name, err)
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
			return n.IP.String(), nil
		}
	}
	return "", fmt.Errorf("the engine's bridge %s has no IPv4 address", name)
}

// prepare runs deploy/prepare over deploy/hawser.yaml with the credentials of
// the simulators in it.
func (c *composed) prepare(ctx context.Context) error {
	if err := c.writeFiles(); err != nil {
		return err
	}
	env := []string{"CONFIG=" + filepath.Join(c.dir, "hawser.yaml")}
	if err := command(ctx, c.root, env, "deploy/prepare", c.fleet()); err != nil {
		return err
	}
	key, err := os.ReadFile(filepath.Join(c.fleet(), "keys", "private.jwk.json"))
	if err != nil {
		return fmt.Errorf("read the key of device tokens: %w", err)
	}
	if c.signer, err = token.ParseSigner(key); err != nil {
		return err
	}
	secrets, err := c.secrets()
	if err != nil {
		return err
	}
	return devmode.KeepSecrets(secrets)
}

// writeFiles writes the configuration and the credentials of the simulators.
func (c *composed) writeFiles() error {
	configuration, err := c.configuration()
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"hawser.yaml":        configuration,
		"fleet/keys/apns.p8": c.apns.Key(), "fleet/keys/fcm.json": c.fcm.ServiceAccount(),
	}
	for _, name := range services {
		if strings.HasPrefix(name, "push-") {
			files["fleet/"+name+"/apns-ca.pem"], files["fleet/"+name+"/fcm-ca.pem"] = c.apns.CAPEM(), c.fcm.CAPEM()
		}
	}
	for name, content := range files {
		path := filepath.Join(c.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
			return fmt.Errorf("write the fleet's files: %w", err)
		}
	}
	return nil
}

// configuration is the shipped one, with the simulators as its applications.
func (c *composed) configuration() ([]byte, error) {
	template, err := os.ReadFile(filepath.Join(c.root, "deploy", "hawser.yaml"))
	if err != nil {
		return nil, fmt.Errorf("read the shipped configuration: %w", err)
	}
	const nobody = "  apps: []\n"
	if strings.Count(string(template), nobody) != 1 {
		return nil, errors.New("deploy/hawser.yaml has no line \"apps: []\" to put the simulators in the place of")
	}
	apps := fmt.Sprintf(`  apps:
    - {tenant: demo, app: %s, provider: apns, environment: sandbox, team_id: %s, key_id: %s, key_file: apns.p8, endpoint: %q, ca_file: apns-ca.pem}
    - {tenant: demo, app: %s, provider: fcm, credentials_file: fcm.json, endpoint: %q, ca_file: fcm-ca.pem}
`, devmode.IOSApp, c.apns.TeamID(), c.apns.KeyID(), c.apns.URL(), devmode.AndroidApp, c.fcm.URL())
	return []byte(strings.Replace(string(template), nobody, apps, 1)), nil
}

// build makes the images. The programs are there already.
func (c *composed) build(ctx context.Context) error {
	return command(ctx, c.root, c.env(), "deploy/build")
}

// env is what the commands of this fleet are run with.
func (c *composed) env() []string {
	env := append(dockerHost(c.host),
		"COMPOSE_PROJECT_NAME="+c.project, "FLEET="+c.fleet(),
		"HAWSER_IMAGE=hawser:"+c.project, "NATS_IMAGE=hawser-nats:"+c.project)
	// An engine may raise no limit above its own.
	if files := openFiles(); files != "" {
		env = append(env, "NOFILE="+files, "NATS_NOFILE="+files)
	}
	for name, addr := range c.addrs {
		env = append(env, name+"="+addr)
	}
	return env
}
