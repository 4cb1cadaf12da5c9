package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/routing/embednats"
)

// router is the name of the one router.
const router = "router-1"

// natsServers is how many NATS servers there are, each with a replica of every
// stream.
const natsServers = 3

// programs are the paths of the executables.
type programs struct{ hawser, nats string }

func programsIn(dir string) programs {
	return programs{hawser: filepath.Join(dir, "hawser"), nats: filepath.Join(dir, "nats-server")}
}

// build compiles them. It must be called within the module.
func (p programs) build(ctx context.Context, flags ...string) error {
	return errors.Join(devmode.Build(ctx, p.hawser, devmode.HawserPackage, flags...), devmode.Build(ctx, p.nats, devmode.NATSPackage))
}

// A fleet is the processes of a set, on loopback.
type fleet struct {
	// Static after newFleet.
	programs programs
	sabotage string // see options
	env      *devmode.Environment
	addrs    io.Closer // holds the members' addresses
	nats     []devmode.NATSServer
	nodes    map[string]devmode.Node
	configs  map[string]string
	pushers  []string
	trouble  func(format string, args ...any)

	mu sync.Mutex
	// Guarded by mu.
	members map[string]*devmode.Process
	ending  map[*devmode.Process]bool // are expected to end
	watch   sync.WaitGroup
}

// newFleet writes the files and starts the simulators. The caller calls stop,
// also after an error.
func newFleet(dir string, p programs, o options, trouble func(format string, args ...any)) (*fleet, error) {
	f := &fleet{
		programs: p, sabotage: o.sabotage, trouble: trouble, nodes: map[string]devmode.Node{}, configs: map[string]string{},
		members: map[string]*devmode.Process{}, ending: map[*devmode.Process]bool{},
	}
	free, release, err := embednats.FreeAddrs(3*natsServers + 2 + o.pushers)
	if err != nil {
		return f, err
	}
	f.addrs = release
	next := func() (a string) { a, free = free[0], free[1:]; return a }
	var urls string
	for i := range natsServers {
		s := devmode.NATSServer{Name: fmt.Sprintf("nats-%d", i+1), Listen: next(), Monitor: next(), Cluster: next()}
		s.Store = filepath.Join(dir, s.Name)
		f.nats = append(f.nats, s)
		urls += ",nats://" + s.Listen
	}
	nodes := []devmode.Node{{Name: router, Roles: []string{"router"}, API: next(), Admin: next()}}
	for i := range o.pushers {
		f.pushers = append(f.pushers, fmt.Sprintf("push-%d", i+1))
		nodes = append(nodes, devmode.Node{Name: f.pushers[i], Roles: []string{"push"}, Admin: next()})
	}
	f.env, err = devmode.New(devmode.Options{Dir: dir, Nodes: nodes, Tenants: []string{tenant}, NATSURL: urls[1:], Replicas: natsServers})
	if err != nil {
		return f, err
	}
	return f, f.configure(nodes)
}

func (f *fleet) configure(nodes []devmode.Node) (err error) {
	for _, n := range nodes {
		f.nodes[n.Name] = n
		if f.configs[n.Name], err = f.env.WriteConfig(n); err != nil {
			return err
		}
	}
	for i, s := range f.nats {
		var peers []string
		for j, other := range f.nats {
			if j != i {
				peers = append(peers, other.Cluster)
			}
		}
		if f.configs[s.Name], err = f.env.WriteNATSConfig(s, peers); err != nil {
			return err
		}
	}
	return nil
}

// startAll starts every member and waits until it can take work.
func (f *fleet) startAll(ctx context.Context) error {
	for name := range f.configs {
		if err := f.start(ctx, name); err != nil {
			return err
		}
	}
	for _, s := range f.nats {
		if err := f.healthy(ctx, s); err != nil {
			return err
		}
	}
	for _, n := range f.nodes {
		if err := devmode.Until(ctx, func() error { return n.Ready(ctx) }); err != nil {
			return fmt.Errorf("%s: %w: see %s", n.Name, err, f.env.Path(n.Name+".log"))
		}
	}
	return nil
}

func (f *fleet) healthy(ctx context.Context, s devmode.NATSServer) error {
	if err := devmode.Until(ctx, func() error { return s.Healthy(ctx) }); err != nil {
		return fmt.Errorf("%w: see %s", err, f.env.Path(s.Name+".log"))
	}
	return nil
}

// start starts a member, which nobody but kill and stop is to end.
func (f *fleet) start(ctx context.Context, name string) error {
	program, args := f.programs.nats, []string{"-c", f.configs[name]}
	if _, ok := f.nodes[name]; ok {
		// All that is ever logged is looked through for secrets.
		program, args = "env", []string{
			"HAWSER_SABOTAGE=" + f.sabotage, "HAWSER_LOG_LEVEL=debug", f.programs.hawser, "serve", "--config", f.configs[name],
		}
	}
	p, err := devmode.StartProgram(context.WithoutCancel(ctx), name, f.env.Dir, program, args...)
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.members[name] = p
	f.mu.Unlock()
	f.watch.Go(func() {
		<-p.Done()
		f.mu.Lock()
		wanted := f.ending[p]
		delete(f.ending, p)
		f.mu.Unlock()
		if !wanted {
			f.trouble("%s ended by itself: see %s", name, p.Log)
		}
	})
	return nil
}

// pids are the members' processes.
func (f *fleet) pids() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := map[string]int{}
	for name, p := range f.members {
		all[name] = p.Pid()
	}
	return all
}

// kill ends members at once, with SIGKILL, and waits until they are gone.
func (f *fleet) kill(names ...string) {
	f.mu.Lock()
	var all []*devmode.Process
	for _, name := range names {
		if p := f.members[name]; p != nil && !p.Ended() {
			f.ending[p] = true
			all = append(all, p)
		}
	}
	f.mu.Unlock()
	var work sync.WaitGroup
	for _, p := range all {
		work.Go(p.Kill)
	}
	work.Wait()
}

// stop ends every process: those of hawser as an operator does, which is an
// error if one does not stop well.
func (f *fleet) stop() error {
	var errs []error
	for name := range f.nodes {
		f.mu.Lock()
		p := f.members[name]
		if p != nil && !p.Ended() {
			f.ending[p] = true
		}
		f.mu.Unlock()
		if p != nil && !p.Ended() {
			errs = append(errs, p.Stop())
		}
	}
	for _, s := range f.nats {
		f.kill(s.Name)
	}
	f.watch.Wait()
	if f.env != nil {
		f.env.Close()
	}
	if f.addrs != nil {
		errs = append(errs, f.addrs.Close())
	}
	return errors.Join(errs...)
}
