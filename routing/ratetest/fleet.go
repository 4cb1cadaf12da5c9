package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/routing/embednats"
	"github.com/hawser-edge/hawser/routing/natsconf"
)

// The members of the fleet beside the NATS servers, and its one tenant.
const (
	edgeName   = "edge-1"
	routerName = "router-1"
	tenant     = "demo"
)

// measurer is a NATS user without limits, for the ways' publications and the
// stream that they are compared with. Only the measured servers know it.
const measurer = "ratetest"

// fleet is the processes that are measured.
type fleet struct {
	// Static after start.
	env   *devmode.Environment
	edge  devmode.Node
	ports io.Closer // holds the addresses

	password string
	// running are all processes in the order of their start.
	running []*devmode.Process
}

// startFleet starts everything and waits until it is ready. The caller calls
// stop, also after an error.
func startFleet(ctx context.Context, dir string, p programs, replicas int) (*fleet, error) {
	f := &fleet{}
	addrs, ports, err := embednats.FreeAddrs(4 + 2*replicas)
	if err != nil {
		return f, err
	}
	f.ports = ports
	client, route := addrs[4:4+replicas], addrs[4+replicas:]
	f.edge = devmode.Node{Name: edgeName, Roles: []string{"edge"}, Listen: addrs[0], Admin: addrs[1], AdmissionsPerSecond: atOnce, MaxEventsPerSecond: atOnce}
	router := devmode.Node{Name: routerName, Roles: []string{"router"}, API: addrs[2], Admin: addrs[3], MaxEventsPerSecond: atOnce}
	f.env, err = devmode.New(devmode.Options{
		Dir: dir, Nodes: []devmode.Node{f.edge, router}, Tenants: []string{tenant},
		NATSURL: "nats://" + client[0], Replicas: replicas, // see place.go
	})
	if err != nil {
		return f, err
	}
	for i := range replicas {
		if err := f.startNATS(ctx, p.nats, i, client, route); err != nil {
			return f, err
		}
	}
	for _, n := range []devmode.Node{router, f.edge} {
		if err := f.startNode(ctx, p.hawser, n); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (f *fleet) startNATS(ctx context.Context, program string, i int, client, route []string) error {
	if f.password == "" {
		key, err := f.env.APIKey(tenant) // as good a secret as any, and at hand
		if err != nil {
			return err
		}
		f.password = key
	}
	users, err := natsconf.Whole(f.env.Users())
	if err != nil {
		return err
	}
	// The first account is hawser's own.
	users = strings.Replace(users, "users: [", fmt.Sprintf("users: [\n{user: %q, password: %q}", measurer, f.password), 1)
	name := fmt.Sprintf("nats-%d", i+1)
	text := fmt.Sprintf("server_name: %s\nlisten: %q\njetstream {store_dir: %q, max_memory_store: 256MB, max_file_store: 64GB}\n",
		name, client[i], f.env.Path(name))
	if len(route) > 1 {
		text += fmt.Sprintf("cluster {name: ratetest, listen: %q, routes: [\"nats://%s\"]}\n", route[i], strings.Join(route, `", "nats://`))
	}
	config := f.env.Path(name + ".conf")
	if err := os.WriteFile(config, []byte(text+natsconf.Server()+users), 0o600); err != nil {
		return fmt.Errorf("write the configuration of %s: %w", name, err)
	}
	return f.started(devmode.StartProgram(context.WithoutCancel(ctx), name, f.env.Dir, program, "-c", config))
}

func (f *fleet) startNode(ctx context.Context, program string, n devmode.Node) error {
	config, err := f.env.WriteConfig(n)
	if err != nil {
		return err
	}
	if err := f.started(devmode.Start(context.WithoutCancel(ctx), program, config, n.Name, f.env.Dir)); err != nil {
		return err
	}
	return devmode.Until(ctx, func() error { return n.Ready(ctx) })
}

func (f *fleet) started(p *devmode.Process, err error) error {
	if err == nil {
		f.running = append(f.running, p)
	}
	return err
}

// connect opens a connection of the measurer's, as soon as it can be had.
func connect(ctx context.Context, url, password string) (nc *nats.Conn, err error) {
	err = devmode.Until(ctx, func() error {
		nc, err = nats.Connect(url, nats.UserInfo(measurer, password), nats.Name(measurer))
		return err
	})
	return nc, err
}

// stop ends every process, the newest first.
func (f *fleet) stop() error {
	var errs []error
	for i := len(f.running) - 1; i >= 0; i-- {
		errs = append(errs, f.running[i].Stop())
	}
	if f.env != nil {
		f.env.Close()
	}
	if f.ports != nil {
		errs = append(errs, f.ports.Close())
	}
	return errors.Join(errs...)
}

// atOnce is how many devices the edge lets in a second: they come before
// anything is measured.
const atOnce = 100_000

// startLimit bounds the time until the fleet runs and every device is
// connected.
const startLimit = 2 * time.Minute
