package demo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats"
)

// tenant is the one tenant of the demo.
const tenant = "demo"

// victim is the router that the story kills, survivor the other one.
const (
	victim   = "router-1"
	survivor = "router-2"
)

// A fleet is four processes, each a role, as an operator would run them.
type fleet struct {
	// Static after startFleet.
	dir       string
	program   string
	env       *devmode.Environment
	nodes     map[string]devmode.Node
	processes map[string]*devmode.Process
	tls       *tls.Config
	ports     io.Closer // holds the nodes' addresses

	// The auditor reads the stream as it is, with a router's rights.
	auditor *nats.Conn
	js      jetstream.JetStream
}

// startFleet starts everything and returns at once; waitReady waits. The
// caller calls stop, also after an error.
func startFleet(ctx context.Context, dir, program string) (*fleet, error) {
	f := &fleet{dir: dir, program: program, nodes: map[string]devmode.Node{}, processes: map[string]*devmode.Process{}}
	addrs, ports, err := embednats.FreeAddrs(7)
	if err != nil {
		return f, err
	}
	f.ports = ports
	nodes := []devmode.Node{
		{Name: "edge-1", Roles: []string{"edge"}, Listen: addrs[0], Admin: addrs[1]},
		{Name: victim, Roles: []string{"router"}, API: addrs[2], Admin: addrs[3]},
		{Name: survivor, Roles: []string{"router"}, API: addrs[4], Admin: addrs[5]},
		{Name: "push-1", Roles: []string{"push"}, Admin: addrs[6]},
	}
	if f.env, err = devmode.New(devmode.Options{Dir: dir, Nodes: nodes, Tenants: []string{tenant}}); err != nil {
		return f, err
	}
	for _, n := range nodes {
		if err := f.startNode(ctx, n); err != nil {
			return f, err
		}
	}
	if f.tls, err = f.env.DeviceTLS(); err != nil {
		return f, err
	}
	return f, f.audit()
}

func (f *fleet) startNode(ctx context.Context, n devmode.Node) error {
	config, err := f.env.WriteConfig(n)
	if err != nil {
		return err
	}
	p, err := devmode.Start(ctx, f.program, config, n.Name, f.dir)
	if err != nil {
		return err
	}
	f.nodes[n.Name], f.processes[n.Name] = n, p
	return nil
}

func (f *fleet) audit() (err error) {
	if f.auditor, err = f.env.ConnectNATS(routing.RoleRouter, survivor); err != nil {
		return fmt.Errorf("connect the auditor: %w", err)
	}
	if f.js, err = jetstream.New(f.auditor); err != nil {
		return fmt.Errorf("let the auditor read streams: %w", err)
	}
	return nil
}

// waitReady waits until every process says that it can take work.
func (f *fleet) waitReady(ctx context.Context) error {
	for name, n := range f.nodes {
		err := devmode.Until(ctx, func() error {
			if f.processes[name].Ended() {
				return devmode.StopTrying(fmt.Errorf("%s ended: see %s", name, f.processes[name].Log))
			}
			return n.Ready(ctx)
		})
		if err != nil {
			return fmt.Errorf("wait for %s: %w", name, err)
		}
	}
	return nil
}

// inFlight is the number of events that NATS has handed to routers and that
// none has acknowledged.
func (f *fleet) inFlight(ctx context.Context) (int, error) {
	consumer, err := f.js.Consumer(ctx, routing.StreamInbox, routing.ConsumerRouters)
	if err != nil {
		return 0, fmt.Errorf("ask NATS for the routers' consumer: %w", err)
	}
	return consumer.CachedInfo().NumAckPending, nil
}

// stop ends every process that still runs. Errors of the ends are returned,
// because a role that cannot stop well is a fault too.
func (f *fleet) stop() error {
	var errs []error
	for _, name := range []string{"push-1", "edge-1", victim, survivor} {
		if p := f.processes[name]; p != nil && !p.Ended() {
			errs = append(errs, p.Stop())
		}
	}
	if f.auditor != nil {
		f.auditor.Close()
	}
	if f.env != nil {
		f.env.Close()
	}
	if f.ports != nil {
		_ = f.ports.Close() // there is nothing to lose
	}
	return errors.Join(errs...)
}
