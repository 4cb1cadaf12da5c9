package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/routing/embednats"
)

// fleet is what --spawn starts.
type fleet struct {
	// Static after startFleet.
	env          *devmode.Environment
	program      string
	router, push devmode.Node
	edges        []devmode.Node
	ports        io.Closer // holds the addresses
	// cpus is a list of cores for taskset; empty: all.
	cpus string
	// environment of the edges, beside ours, as for env.
	environment []string

	// Static once they are started; nil before.
	nats, routing, pushing *devmode.Process
	edgeProcesses          []*devmode.Process
}

const (
	// startLimit bounds the time until the fleet is ready, once it is built.
	startLimit = 2 * time.Minute
	// admissionsACore is what an edge alone lets in a second for each core.
	admissionsACore = 500
	// eventsLimit keeps a tenant's quota from being what is measured.
	eventsLimit = 1_000_000
)

// startFleet starts everything and waits until it is ready. The caller calls
// stop, also after an error.
func startFleet(ctx context.Context, dir string, o options) (*fleet, error) {
	f := &fleet{cpus: o.serverCPUs, program: filepath.Join(dir, "hawser")}
	if o.bare {
		f.environment = []string{gogc}
	}
	if err := devmode.Build(ctx, f.program, devmode.HawserPackage); err != nil {
		return f, err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	nats, err := f.plan(o)
	if err != nil {
		return f, err
	}
	f.env, err = devmode.New(devmode.Options{
		Dir: dir, Nodes: append([]devmode.Node{f.router, f.push}, f.edges...), Tenants: []string{o.tenant}, NATSURL: "nats://" + nats,
	})
	if err != nil {
		return f, err
	}
	if err := f.startNATS(ctx, nats); err != nil {
		return f, err
	}
	if f.routing, err = f.serve(ctx, f.router); err != nil {
		return f, err
	}
	if f.pushing, err = f.serve(ctx, f.push); err != nil {
		return f, err
	}
	for _, e := range f.edges {
		p, err := f.serve(ctx, e, f.environment...)
		if p != nil {
			f.edgeProcesses = append(f.edgeProcesses, p)
		}
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

// plan chooses the addresses. The edges share one where they can.
func (f *fleet) plan(o options) (nats string, err error) {
	edges := o.edges()
	shared := edges > 1 && o.transport == overTCP && transport.CanShare
	doors := edges
	if shared {
		doors = 1
	}
	addrs, ports, err := embednats.FreeAddrs(4 + edges + doors)
	if err != nil {
		return "", err
	}
	f.ports = ports
	f.router = devmode.Node{Name: "router", Roles: []string{"router"}, API: addrs[1], Admin: addrs[2], MaxEventsPerSecond: eventsLimit}
	f.push = devmode.Node{Name: "push", Roles: []string{"push"}, Admin: addrs[3]}
	admins, listen := addrs[4:4+edges], addrs[4+edges:]
	share := o.admissions
	if share == 0 && edges > 1 {
		// They have one machine together.
		share = admissionsACore * o.serverCores() / edges
	}
	for i, admin := range admins {
		f.edges = append(f.edges, devmode.Node{
			Name: fmt.Sprintf("edge-%d", i+1), Roles: []string{"edge"}, Listen: listen[i%doors], SharePort: shared, Admin: admin,
			DrainSpread: "1s", MaxEventsPerSecond: eventsLimit, Debug: true, AdmissionsPerSecond: share,
		})
	}
	return addrs[0], nil
}

func (f *fleet) startNATS(ctx context.Context, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	spec := natsSpec{Dir: f.env.Path("nats"), Users: f.env.Users()}
	if spec.Port, err = strconv.Atoi(port); err != nil {
		return err
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	file := f.env.Path("nats.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	f.nats, err = f.start(ctx, "nats", self, partNATS, file)
	return err
}

// serve starts a process of hawser and waits until it is ready. After an error
// there may be one all the same.
func (f *fleet) serve(ctx context.Context, n devmode.Node, environment ...string) (*devmode.Process, error) {
	config, err := f.env.WriteConfig(n)
	if err != nil {
		return nil, err
	}
	command := with(environment, f.program, "serve", "--config", config)
	p, err := f.start(ctx, n.Name, command[0], command[1:]...)
	if err != nil {
		return nil, err
	}
	return p, f.await(ctx, n, p)
}

// start starts a process of the fleet, which outlives ctx.
func (f *fleet) start(ctx context.Context, name, program string, args ...string) (*devmode.Process, error) {
	command := onCPUs(f.cpus, append([]string{program}, args...))
	return devmode.StartProgram(context.WithoutCancel(ctx), name, f.env.Dir, command[0], command[1:]...)
}

// onCPUs has a command run on some cores only. taskset becomes the command: its
// number in the system stays.
func onCPUs(list string, command []string) []string {
	if list == "" {
		return command
	}
	return append([]string{"taskset", "-c", list}, command...)
}

// with has a command run with more in its environment.
func with(environment []string, command ...string) []string {
	if len(environment) == 0 {
		return command
	}
	return slices.Concat([]string{"env"}, environment, command)
}

// await waits until a process is ready.
func (f *fleet) await(ctx context.Context, n devmode.Node, p *devmode.Process) error {
	return devmode.Until(ctx, func() error {
		if p.Ended() {
			return devmode.StopTrying(fmt.Errorf("%s ended: see %s", n.Name, p.Log))
		}
		return n.Ready(ctx)
	})
}

// pids are those of the edges.
func (f *fleet) pids() (all []int) {
	for _, p := range f.edgeProcesses {
		all = append(all, p.Pid())
	}
	return all
}

// trouble is an error if a process has ended by itself.
func (f *fleet) trouble() error {
	for _, p := range f.processes() {
		if p.Ended() {
			return fmt.Errorf("%s ended in the middle: see %s", p.Name, p.Log)
		}
	}
	return nil
}

// processes are those that were started, the oldest first.
func (f *fleet) processes() (all []*devmode.Process) {
	for _, p := range append([]*devmode.Process{f.nats, f.routing, f.pushing}, f.edgeProcesses...) {
		if p != nil {
			all = append(all, p)
		}
	}
	return all
}

// stop ends every process, the newest first.
func (f *fleet) stop() error {
	var errs []error
	for _, p := range slices.Backward(f.processes()) {
		errs = append(errs, p.Stop())
	}
	if f.env != nil {
		f.env.Close()
	}
	if f.ports != nil {
		errs = append(errs, f.ports.Close())
	}
	return errors.Join(errs...)
}
