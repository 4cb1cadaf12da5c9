package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// tenant and kindOfAll are those of every notify.
const (
	tenant    = "demo"
	kindOfAll = "messages"
)

// A fleet is NATS in this process and hawser in one of its own, which is edge
// and router.
type fleet struct {
	// Static after newFleet.
	env    *devmode.Environment
	node   devmode.Node
	key    string
	client *http.Client
	hawser *devmode.Process
}

// heartbeats are the settings that a lab changes: nothing else.
type heartbeats struct {
	scale  int
	probes bool
}

// readyWait bounds the start of a fleet.
const readyWait = 90 * time.Second

// newFleet starts a fleet with its files in dir and waits until it is ready.
// port tells several apart. The caller closes it, also after an error.
func newFleet(ctx context.Context, program, dir string, port int, h heartbeats) (f *fleet, err error) {
	f = &fleet{client: &http.Client{Timeout: publishWait}, node: devmode.Node{
		Name: "hawser", Roles: []string{"edge", "router"},
		Listen: fmt.Sprintf("%s:%d", edgeHost, port), API: fmt.Sprintf("127.0.0.1:%d", port+1), Admin: fmt.Sprintf("127.0.0.1:%d", port+2),
		HeartbeatScale: h.scale, NoProbes: !h.probes,
	}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return f, fmt.Errorf("make the folder of a fleet: %w", err)
	}
	if f.env, err = devmode.New(devmode.Options{Dir: dir, Nodes: []devmode.Node{f.node}, Tenants: []string{tenant}}); err != nil {
		return f, err
	}
	if f.key, err = f.env.APIKey(tenant); err != nil {
		return f, err
	}
	config, err := f.env.WriteConfig(f.node)
	if err != nil {
		return f, err
	}
	if f.hawser, err = devmode.Start(ctx, program, config, f.node.Name, dir); err != nil {
		return f, err
	}
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	if err := devmode.Until(ctx, func() error { return f.ready(ctx) }); err != nil {
		return f, fmt.Errorf("hawser did not become ready: %w: see %s", err, f.hawser.Log)
	}
	return f, nil
}

func (f *fleet) ready(ctx context.Context) error {
	if f.hawser.Ended() {
		return devmode.StopTrying(fmt.Errorf("hawser ended by itself"))
	}
	return f.node.Ready(ctx)
}

// phoneOf makes the identity of a user's only device.
func (f *fleet) phoneOf(user string) (phone, error) {
	jwt, err := f.env.Token(tenant, user, "phone")
	return phone{User: user, Device: "phone", Token: jwt}, err
}

// authority is the file of the certificate that devices trust.
func (f *fleet) authority() string { return f.env.Path(devmode.CAFile) }

// devices is where they connect.
func (f *fleet) devices() string { return f.node.Listen }

// Close ends it at once: what it would do in order is not what a lab is about.
func (f *fleet) Close() {
	if f.hawser != nil {
		f.hawser.Kill()
	}
	if f.env != nil {
		f.env.Close()
	}
}
