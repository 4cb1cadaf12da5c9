package demo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/push/pushtest"
	"github.com/hawser-edge/hawser/routing"
)

// tenant is the one tenant of the demo.
const tenant = "demo"

// A Member is one process of a fleet, with the addresses at which the story
// reaches it.
type Member struct {
	// Name is unique in the fleet.
	Name string
	// Role is what the process does.
	Role routing.Role
	// Devices is the host:port of an edge, for TCP and UDP.
	Devices string
	// API is the host:port of a router's API, plain HTTP.
	API string
	// Admin is the host:port of health and metrics.
	Admin string
}

// A Fleet is what the story is told about. It has at least one edge, two
// routers and one push worker or more. Its tenant "demo" has the kind messages,
// numbered by hawser, urgent and with alerts; its push workers speak to the
// simulators.
type Fleet interface {
	// Start brings everything up and returns once every member is ready, with
	// sentences about it. Stop follows, also after an error.
	Start(ctx context.Context) ([]string, error)
	// Stop ends everything. A member that cannot stop well is an error.
	Stop(ctx context.Context) error
	// Logs is the folder of the members' logs, files that end in .log.
	Logs() string

	// Members do not change after Start.
	Members() []Member
	// Kill ends a member as kill -9 does.
	Kill(ctx context.Context, member string) error
	// Freeze stops a member where it stands until Thaw. False: this system
	// cannot.
	Freeze(ctx context.Context, member string) (bool, error)
	Thaw(ctx context.Context, member string) error

	// DeviceTLS is how a device trusts the edges. The caller may change it.
	DeviceTLS() (*tls.Config, error)
	// Token signs a device in.
	Token(user, device string) (string, error)
	// APIKeyFile holds the tenant's API key.
	APIKeyFile() string
	// ConnectNATS logs in as the tenant's backend or as a router. The caller
	// closes the connection.
	ConnectNATS(role routing.Role, label string) (*nats.Conn, error)
	// Providers are what the push workers speak to.
	Providers() (*pushtest.APNs, *pushtest.FCM)
}

// fleet is a Fleet with what the story looks at it through.
type fleet struct {
	Fleet

	// Static after startFleet.
	program string
	tls     *tls.Config
	apns    *pushtest.APNs
	fcm     *pushtest.FCM
	edges   []Member
	routers []Member
	push    []Member

	// The auditor reads the stream as it is, with a router's rights.
	auditor *nats.Conn
	js      jetstream.JetStream
}

// startFleet starts f and tells what stands. The caller calls stop, also
// after an error.
func startFleet(ctx context.Context, f Fleet, program string) (*fleet, []string, error) {
	s := &fleet{Fleet: f, program: program}
	lines, err := f.Start(ctx)
	if err != nil {
		return s, lines, err
	}
	for _, m := range f.Members() {
		switch m.Role {
		case routing.RoleEdge:
			s.edges = append(s.edges, m)
		case routing.RoleRouter:
			s.routers = append(s.routers, m)
		case routing.RolePush:
			s.push = append(s.push, m)
		}
	}
	s.apns, s.fcm = f.Providers()
	if s.tls, err = f.DeviceTLS(); err != nil {
		return s, lines, err
	}
	return s, lines, s.audit()
}

func (f *fleet) audit() (err error) {
	if f.auditor, err = f.ConnectNATS(routing.RoleRouter, f.survivor().Name); err != nil {
		return fmt.Errorf("connect the auditor: %w", err)
	}
	if f.js, err = jetstream.New(f.auditor); err != nil {
		return fmt.Errorf("let the auditor read streams: %w", err)
	}
	return nil
}

// victim is the router that the story kills, survivor the other one.
func (f *fleet) victim() Member   { return f.routers[0] }
func (f *fleet) survivor() Member { return f.routers[1] }

// inFlight is the number of events that NATS has handed to routers and that
// none has acknowledged.
func (f *fleet) inFlight(ctx context.Context) (int, error) {
	info, err := f.consumer(ctx)
	if err != nil {
		return 0, err
	}
	return info.NumAckPending, nil
}

// pulling is the number of routers that wait at NATS for events.
func (f *fleet) pulling(ctx context.Context) (int, error) {
	info, err := f.consumer(ctx)
	if err != nil {
		return 0, err
	}
	return info.NumWaiting, nil
}

// consumer is how the routers stand at NATS.
func (f *fleet) consumer(ctx context.Context) (*jetstream.ConsumerInfo, error) {
	consumer, err := f.js.Consumer(ctx, routing.StreamInbox, routing.ConsumerRouters)
	if err != nil {
		return nil, fmt.Errorf("ask NATS for the routers' consumer: %w", err)
	}
	return consumer.CachedInfo(), nil
}

// stop ends the fleet. What its members show then is kept, for CI to look through
// for secrets.
func (f *fleet) stop(ctx context.Context) error {
	if f.auditor != nil {
		f.auditor.Close()
	}
	var errs []error
	for _, m := range f.Members() {
		errs = append(errs, devmode.KeepPages(m.Name, devmode.Node{Admin: m.Admin}.Pages(ctx)))
	}
	return errors.Join(append(errs, f.Stop(ctx))...)
}
