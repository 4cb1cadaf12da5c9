package demo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/push/pushtest"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats"
)

// processes is a Fleet of four processes of this machine, each a role, as an
// operator would run them, with NATS and the simulators inside this one.
type processes struct {
	// Static after newProcesses.
	dir     string
	program string

	// Set by Start.
	env     *devmode.Environment
	ports   io.Closer // holds the nodes' addresses
	nodes   []devmode.Node
	running map[string]*devmode.Process
}

func newProcesses(dir, program string) *processes {
	return &processes{dir: dir, program: program, running: map[string]*devmode.Process{}}
}

// Start implements Fleet.
func (p *processes) Start(ctx context.Context) ([]string, error) {
	began := time.Now()
	if err := p.start(context.WithoutCancel(ctx)); err != nil {
		return nil, err
	}
	if err := p.waitReady(ctx); err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("edge-1    devices on %s, TCP and UDP", p.nodes[0].Listen),
		fmt.Sprintf("router-1  backends on http://%s", p.nodes[1].API),
		fmt.Sprintf("router-2  backends on http://%s", p.nodes[2].API),
		fmt.Sprintf("push-1    to simulators of APNs (%s) and FCM (%s)", p.env.APNs.URL(), p.env.FCM.URL()),
		fmt.Sprintf("NATS      %s, one user a role, none more rights than it needs", p.env.NATSURL),
		fmt.Sprintf("all ready after %.1f s", time.Since(began).Seconds()),
	}, nil
}

func (p *processes) start(ctx context.Context) error {
	addrs, ports, err := embednats.FreeAddrs(7)
	if err != nil {
		return err
	}
	p.ports = ports
	p.nodes = []devmode.Node{
		{Name: "edge-1", Roles: []string{"edge"}, Listen: addrs[0], Admin: addrs[1]},
		{Name: "router-1", Roles: []string{"router"}, API: addrs[2], Admin: addrs[3]},
		{Name: "router-2", Roles: []string{"router"}, API: addrs[4], Admin: addrs[5]},
		{Name: "push-1", Roles: []string{"push"}, Admin: addrs[6]},
	}
	if p.env, err = devmode.New(devmode.Options{Dir: p.dir, Nodes: p.nodes, Tenants: []string{tenant}}); err != nil {
		return err
	}
	for _, n := range p.nodes {
		config, err := p.env.WriteConfig(n)
		if err != nil {
			return err
		}
		if p.running[n.Name], err = devmode.Start(ctx, p.program, config, n.Name, p.dir); err != nil {
			return err
		}
	}
	return nil
}

// waitReady waits until every process says that it can take work.
func (p *processes) waitReady(ctx context.Context) error {
	for _, n := range p.nodes {
		err := devmode.Until(ctx, func() error {
			if r := p.running[n.Name]; r.Ended() {
				return devmode.StopTrying(fmt.Errorf("%s ended: see %s", n.Name, r.Log))
			}
			return n.Ready(ctx)
		})
		if err != nil {
			return fmt.Errorf("wait for %s: %w", n.Name, err)
		}
	}
	return nil
}

// Stop implements Fleet.
func (p *processes) Stop(context.Context) error {
	var errs []error
	for _, name := range []string{"push-1", "edge-1", "router-1", "router-2"} {
		if r := p.running[name]; r != nil && !r.Ended() {
			errs = append(errs, r.Stop())
		}
	}
	if p.env != nil {
		p.env.Close()
	}
	if p.ports != nil {
		errs = append(errs, p.ports.Close())
	}
	return errors.Join(errs...)
}

// Logs implements Fleet.
func (p *processes) Logs() string { return p.dir }

// Members implements Fleet.
func (p *processes) Members() (all []Member) {
	for _, n := range p.nodes {
		all = append(all, Member{Name: n.Name, Role: routing.Role(n.Roles[0]), Devices: n.Listen, API: n.API, Admin: n.Admin})
	}
	return all
}

// Kill implements Fleet.
func (p *processes) Kill(_ context.Context, member string) error {
	p.running[member].Kill()
	return nil
}

// Freeze implements Fleet.
func (p *processes) Freeze(_ context.Context, member string) (bool, error) {
	return p.running[member].Freeze()
}

// Thaw implements Fleet.
func (p *processes) Thaw(_ context.Context, member string) error { return p.running[member].Thaw() }

// DeviceTLS implements Fleet.
func (p *processes) DeviceTLS() (*tls.Config, error) { return p.env.DeviceTLS() }

// Token implements Fleet.
func (p *processes) Token(user, device string) (string, error) {
	return p.env.Token(tenant, user, device)
}

// APIKeyFile implements Fleet.
func (p *processes) APIKeyFile() string { return p.env.Path(tenant + ".api-key") }

// ConnectNATS implements Fleet.
func (p *processes) ConnectNATS(role routing.Role, label string) (*nats.Conn, error) {
	return p.env.ConnectNATS(role, label)
}

// Providers implements Fleet.
func (p *processes) Providers() (*pushtest.APNs, *pushtest.FCM) { return p.env.APNs, p.env.FCM }
