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
	"strconv"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/routing/embednats"
)

// fleet is what --spawn starts.
type fleet struct {
	// Static after startFleet.
	env   *devmode.Environment
	core  devmode.Node
	edges []devmode.Node
	ports io.Closer // holds the addresses
	// cpus is a list of cores for taskset; empty: all.
	cpus string

	coreProcess   *devmode.Process
	edgeProcesses []*devmode.Process
}

const (
	// startLimit bounds the time until the fleet is ready.
	startLimit = 2 * time.Minute
	// eventsLimit keeps a tenant's quota from being what is measured.
	eventsLimit = 1_000_000
)

// startFleet starts everything and waits until it is ready. The caller calls
// stop, also after an error.
func startFleet(ctx context.Context, dir string, o options) (*fleet, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	f := &fleet{cpus: o.serverCPUs}
	hawser := filepath.Join(dir, "hawser")
	if err := devmode.Build(ctx, hawser, devmode.HawserPackage); err != nil {
		return f, err
	}
	addrs, ports, err := embednats.FreeAddrs(3 + 2*o.processes)
	if err != nil {
		return f, err
	}
	f.ports = ports
	f.core = devmode.Node{
		Name: "core", Roles: []string{"router", "push"}, API: addrs[1], Admin: addrs[2], MaxEventsPerSecond: eventsLimit,
	}
	for i := range o.processes {
		f.edges = append(f.edges, devmode.Node{
			Name: fmt.Sprintf("edge-%d", i+1), Roles: []string{"edge"}, Listen: addrs[3+2*i], Admin: addrs[4+2*i],
			DrainSpread: "1s", MaxEventsPerSecond: eventsLimit, Debug: true,
		})
	}
	f.env, err = devmode.New(devmode.Options{
		Dir: dir, Nodes: append([]devmode.Node{f.core}, f.edges...), Tenants: []string{o.tenant}, NATSURL: "nats://" + addrs[0],
	})
	if err != nil {
		return f, err
	}
	if err := f.startCore(ctx, addrs[0]); err != nil {
		return f, err
	}
	return f, f.startEdges(ctx, hawser)
}

func (f *fleet) startCore(ctx context.Context, nats string) error {
	_, port, err := net.SplitHostPort(nats)
	if err != nil {
		return err
	}
	spec := coreSpec{Dir: f.env.Path("nats"), Users: f.env.Users()}
	if spec.Port, err = strconv.Atoi(port); err != nil {
		return err
	}
	if spec.Config, err = f.env.WriteConfig(f.core); err != nil {
		return err
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	file := f.env.Path("core.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	f.coreProcess, err = f.start(ctx, f.core.Name, self, partCore, file)
	if err != nil {
		return err
	}
	return f.await(ctx, f.core, f.coreProcess)
}

func (f *fleet) startEdges(ctx context.Context, program string) error {
	for _, e := range f.edges {
		config, err := f.env.WriteConfig(e)
		if err != nil {
			return err
		}
		p, err := f.start(ctx, e.Name, program, "serve", "--config", config)
		if err != nil {
			return err
		}
		f.edgeProcesses = append(f.edgeProcesses, p)
		if err := f.await(ctx, e, p); err != nil {
			return err
		}
	}
	return nil
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
	for _, p := range append([]*devmode.Process{f.coreProcess}, f.edgeProcesses...) {
		if p != nil && p.Ended() {
			return fmt.Errorf("%s ended in the middle: see %s", p.Name, p.Log)
		}
	}
	return nil
}

// stop ends every process, the newest first.
func (f *fleet) stop() error {
	var errs []error
	for i := len(f.edgeProcesses) - 1; i >= 0; i-- {
		errs = append(errs, f.edgeProcesses[i].Stop())
	}
	if f.coreProcess != nil {
		errs = append(errs, f.coreProcess.Stop())
	}
	if f.env != nil {
		f.env.Close()
	}
	if f.ports != nil {
		errs = append(errs, f.ports.Close())
	}
	return errors.Join(errs...)
}
