package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/sleep"
)

// shakingHands is how many devices shake hands at a time.
const shakingHands = 128

// replicas of each stream: one a NATS server.
const replicas = 3

// clockEnv tells a sabotaged build which file shifts its clock, sabotageEnv
// what else it does wrong.
const (
	clockEnv    = "HAWSER_SABOTAGE_CLOCK"
	sabotageEnv = "HAWSER_SABOTAGE"
)

// A fleet is nine processes: three NATS servers, two edges, two routers and
// two push workers. The simulators of APNs and FCM are in this process.
type fleet struct {
	// Static after newFleet.
	dir      string
	programs programs
	place    place
	env      *devmode.Environment
	nodes    map[string]devmode.Node
	configs  map[string]string // of every member
	tls      *tls.Config
	book     *ledger
	phones   *os.File // the log of the devices with the SDK
	sabotage string   // see options
	// shaking is a place for each device that shakes hands: the harness has
	// the machine's other cores to leave to the fleet.
	shaking chan struct{}

	// keepers are the goroutines that start members again.
	keepers sync.WaitGroup

	mu sync.Mutex
	// Guarded by mu.
	members map[string]*devmode.Process
	// ending members are expected to end.
	ending map[string]bool
}

// newFleet writes the files and starts the simulators. The caller calls stop,
// also after an error.
func newFleet(dir string, p programs, where place, book *ledger) (*fleet, error) {
	f := &fleet{
		dir: dir, programs: p, place: where, book: book, nodes: map[string]devmode.Node{}, configs: map[string]string{},
		shaking: make(chan struct{}, shakingHands), members: map[string]*devmode.Process{}, ending: map[string]bool{},
	}
	var nodes []devmode.Node
	for _, name := range allMembers() {
		if sortOf(name) != sortNATS {
			nodes = append(nodes, f.node(name))
		}
	}
	var err error
	f.env, err = devmode.New(devmode.Options{
		Dir: dir, Nodes: nodes, Tenants: tenants(), NATSURL: natsURLs(where), Replicas: replicas, SimulatorHost: where.host(),
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
	for _, name := range membersOf(sortNATS) {
		if f.configs[name], err = f.writeNATSConfig(name); err != nil {
			return f, err
		}
	}
	if f.tls, err = f.deviceTLS(); err != nil {
		return f, err
	}
	f.phones, err = os.Create(filepath.Join(dir, "phones.log"))
	return f, err
}

// node describes a member that is one role of hawser.
func (f *fleet) node(name string) devmode.Node {
	sort := sortOf(name)
	n := devmode.Node{
		Name: name, Roles: []string{sort}, Admin: f.place.address(name, serviceAdmin),
		MaxEventsPerSecond: tenantRate,
	}
	switch sort {
	case sortEdge:
		n.Listen = f.place.address(name, serviceDevices)
		n.ReconnectSpread, n.DrainSpread = reconnectSpread.String(), drainSpread.String()
	case sortRouter:
		n.API, n.AckWait = f.place.address(name, serviceAPI), ackWait.String()
	}
	return n
}

// deviceTLS lets all devices resume one another's sessions: what a handshake
// costs is not what this is about.
func (f *fleet) deviceTLS() (*tls.Config, error) {
	config, err := f.env.DeviceTLS()
	if err != nil {
		return nil, err
	}
	config.ServerName = "localhost" // the certificate's, wherever the edge is
	config.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	return config, nil
}

// run starts the members and keeps them running until ctx ends.
func (f *fleet) run(ctx context.Context) {
	for _, name := range allMembers() {
		f.keepers.Go(func() { f.keep(ctx, name) })
	}
}

// waitReady waits until every member says that it can take work.
func (f *fleet) waitReady(ctx context.Context) error {
	for _, name := range allMembers() {
		for {
			err := f.ready(ctx, name)
			if err == nil {
				break
			}
			if !sleep.For(ctx, 50*time.Millisecond) {
				return fmt.Errorf("%w: see %s", err, f.env.Path(name+".log"))
			}
		}
	}
	return nil
}

// keepPages keeps what the members show, for CI to look through for secrets.
func (f *fleet) keepPages(ctx context.Context) error {
	var errs []error
	for name, n := range f.nodes {
		errs = append(errs, devmode.KeepPages(name, n.Pages(ctx)))
	}
	for _, name := range membersOf(sortNATS) {
		errs = append(errs, devmode.KeepPages(name, f.natsServer(name).Pages(ctx)))
	}
	return errors.Join(errs...)
}

// stop ends every process. The context of run must have ended. A member that
// does not stop well is an error; the NATS servers go last.
func (f *fleet) stop() error {
	f.keepers.Wait()
	var errs []error
	for _, sort := range []string{sortEdge, sortRouter, sortPush} {
		errs = append(errs, f.stopAll(membersOf(sort)))
	}
	for _, name := range membersOf(sortNATS) {
		if p := f.members[name]; p != nil {
			p.Kill()
		}
	}
	if f.env != nil {
		f.env.Close()
	}
	if f.phones != nil {
		errs = append(errs, f.phones.Close())
	}
	return errors.Join(errs...)
}

// stopAll stops members at the same time.
func (f *fleet) stopAll(names []string) error {
	errs := make([]error, len(names))
	var work sync.WaitGroup
	for i, name := range names {
		if p := f.members[name]; p != nil && !p.Ended() {
			work.Go(func() { errs[i] = p.Stop() })
		}
	}
	work.Wait()
	return errors.Join(errs...)
}

// door waits until a device may shake hands; through lets the next one.
func (f *fleet) door(ctx context.Context) error {
	select {
	case f.shaking <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *fleet) through() { <-f.shaking }
