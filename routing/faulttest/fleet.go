package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/routing/embednats"
)

// tenant is the one tenant of the fleet.
const tenant = "demo"

// The kinds that are published, as devmode configures them.
const (
	messages = "messages"
	contacts = "contacts"
)

// The members of the fleet beside the NATS server.
const (
	edge1   = "edge-1"
	edge2   = "edge-2"
	router1 = "router-1"
	router2 = "router-2"
)

// A fleet is five processes: a NATS server, two edges and two routers, the
// first of which also pushes. The simulators of APNs and FCM are in this
// process.
type fleet struct {
	// Static after newFleet.
	dir      string
	programs programs
	env      *devmode.Environment
	nodes    map[string]devmode.Node
	configs  map[string]string
	tls      *tls.Config
	ports    io.Closer // holds the nodes' addresses
	book     *ledger

	nats *devmode.Process
	// keepers are the goroutines that start members again.
	keepers sync.WaitGroup

	mu sync.Mutex
	// Guarded by mu.
	members map[string]*devmode.Process
	// killed members are expected to end.
	killed map[string]bool
}

// newFleet writes the files and starts the simulators and the NATS server.
// The caller calls stop, also after an error.
func newFleet(ctx context.Context, dir string, p programs, book *ledger) (*fleet, error) {
	f := &fleet{
		dir: dir, programs: p, book: book, nodes: map[string]devmode.Node{}, configs: map[string]string{},
		members: map[string]*devmode.Process{}, killed: map[string]bool{},
	}
	addrs, ports, err := embednats.FreeAddrs(9)
	if err != nil {
		return f, err
	}
	f.ports = ports
	nodes := []devmode.Node{
		{Name: edge1, Roles: []string{"edge"}, Listen: addrs[0], Admin: addrs[1], ReconnectSpread: reconnectSpread.String()},
		{Name: edge2, Roles: []string{"edge"}, Listen: addrs[2], Admin: addrs[3], ReconnectSpread: reconnectSpread.String()},
		{Name: router1, Roles: []string{"router", "push"}, API: addrs[4], Admin: addrs[5]},
		{Name: router2, Roles: []string{"router"}, API: addrs[6], Admin: addrs[7]},
	}
	f.env, err = devmode.New(devmode.Options{
		Dir: dir, Nodes: nodes, Tenants: []string{tenant}, NATSURL: "nats://" + addrs[8],
	})
	if err != nil {
		return f, err
	}
	for _, n := range nodes {
		if f.configs[n.Name], err = f.env.WriteConfig(n); err != nil {
			return f, err
		}
		f.nodes[n.Name] = n
	}
	if f.tls, err = f.env.DeviceTLS(); err != nil {
		return f, err
	}
	return f, f.startNATS(ctx, addrs[8])
}

func (f *fleet) startNATS(ctx context.Context, addr string) error {
	config, err := writeNATSConfig(f.env, addr)
	if err != nil {
		return err
	}
	f.nats, err = devmode.StartProgram(context.WithoutCancel(ctx), "nats-server", f.dir, f.programs.nats, "-c", config)
	return err
}

// run starts the members and keeps them running until ctx ends.
func (f *fleet) run(ctx context.Context) {
	for name := range f.nodes {
		f.keepers.Go(func() { f.keep(ctx, name) })
	}
}

// keep starts a member, and again a while after each of its ends. An end that
// nobody caused is trouble.
func (f *fleet) keep(ctx context.Context, name string) {
	for {
		p, err := devmode.Start(context.WithoutCancel(ctx), f.programs.hawser, f.configs[name], name, f.dir)
		if err != nil {
			f.book.trouble("%s does not start: %v", name, err)
			return
		}
		f.joined(name, p)
		select {
		case <-p.Done():
		case <-ctx.Done():
			return
		}
		if !f.left(name) {
			f.book.trouble("%s ended by itself: see %s", name, p.Log)
		}
		if !pause(ctx, restartAfter) {
			return
		}
	}
}

func (f *fleet) joined(name string, p *devmode.Process) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.members[name], f.killed[name] = p, false
}

// left takes a member that has ended out and reports whether it was killed.
func (f *fleet) left(name string) (killed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.members, name)
	return f.killed[name]
}

// kill ends a member at once and without notice. It reports false where it is
// not running.
func (f *fleet) kill(name string) bool {
	f.mu.Lock()
	p := f.members[name]
	running := p != nil && !p.Ended()
	if running {
		f.killed[name] = true
	}
	f.mu.Unlock()
	if !running {
		return false
	}
	f.book.killed(time.Now())
	p.Kill()
	return true
}

// waitReady waits until every member says that it can take work.
func (f *fleet) waitReady(ctx context.Context) error {
	for name, n := range f.nodes {
		if err := devmode.Until(ctx, func() error { return n.Ready(ctx) }); err != nil {
			return fmt.Errorf("%w: see %s", err, f.env.Path(name+".log"))
		}
	}
	return nil
}

// stop ends every process. The context of run must have ended. A member that
// does not stop well is an error.
func (f *fleet) stop() error {
	f.keepers.Wait()
	var errs []error
	for _, name := range []string{edge1, edge2, router1, router2} {
		if p := f.members[name]; p != nil && !p.Ended() {
			errs = append(errs, p.Stop())
		}
	}
	if f.nats != nil {
		f.nats.Kill()
	}
	if f.env != nil {
		f.env.Close()
	}
	if f.ports != nil {
		_ = f.ports.Close() // there is nothing to lose
	}
	return errors.Join(errs...)
}
