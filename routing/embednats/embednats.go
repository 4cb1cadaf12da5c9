// Package embednats runs a real nats-server inside the process, for
// development, the demo and tests. Production uses servers of their own.
package embednats

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/natsconf"
)

// Options for a server.
type Options struct {
	// Dir holds JetStream's files. Empty: no JetStream.
	Dir string
	// Host to listen on. Empty: 127.0.0.1.
	Host string
	// Port to listen on. 0: any free port.
	Port int
	// Users that may connect, with the permissions of their roles. None:
	// everybody may connect and do everything.
	Users []routing.User
	// MaxFileStore bounds JetStream's files, in bytes. The streams' max bytes
	// are reserved from it. 0: 64 GiB.
	MaxFileStore int64
	// SyncAlways makes every acknowledged message reach the disk first.
	SyncAlways bool
	// MaxPayload bounds a message. 0: 1 MiB.
	MaxPayload int32
	// Name of the server, needed in a cluster.
	Name string
	// Cluster joins the server to others; nil: it stands alone.
	Cluster *Cluster
}

// Cluster says how a server finds the others.
type Cluster struct {
	// Port for the other servers, on the server's host.
	Port int
	// Peers are the "host:port" of all servers' Ports.
	Peers []string
}

// Server is a running nats-server.
type Server struct {
	// Static after construction.
	opts Options
	ns   *server.Server
}

// Start runs a server and returns once it accepts connections.
func Start(o Options) (*Server, error) {
	so, err := serverOptions(o)
	if err != nil {
		return nil, err
	}
	ns, err := server.NewServer(so)
	if err != nil {
		return nil, fmt.Errorf("embedded NATS: %w", err)
	}
	ns.Start()
	if !ns.ReadyForConnections(time.Minute) {
		ns.Shutdown()
		ns.WaitForShutdown()
		return nil, errors.New("embedded NATS did not start within a minute: is its port taken?")
	}
	o.Host = so.Host
	o.Port = ns.Addr().(*net.TCPAddr).Port
	return &Server{opts: o, ns: ns}, nil
}

func serverOptions(o Options) (*server.Options, error) {
	text := natsconf.Server()
	if len(o.Users) > 0 {
		users, err := natsconf.Whole(o.Users)
		if err != nil {
			return nil, fmt.Errorf("embedded NATS: %w", err)
		}
		text += users
	}
	so := &server.Options{}
	if err := so.ProcessConfigString(text); err != nil {
		return nil, fmt.Errorf("embedded NATS: %w", err)
	}
	so.Host, so.Port, so.NoLog, so.NoSigs = o.Host, o.Port, true, true
	so.JetStream, so.StoreDir, so.SyncAlways, so.JetStreamMaxStore = o.Dir != "", o.Dir, o.SyncAlways, o.MaxFileStore
	// Nobody waits for so long in a process that ends.
	so.LameDuckDuration, so.LameDuckGracePeriod = 2*time.Second, time.Second
	if o.MaxPayload > 0 {
		so.MaxPayload = o.MaxPayload
	}
	if so.Host == "" {
		so.Host = "127.0.0.1"
	}
	if so.Port == 0 {
		so.Port = server.RANDOM_PORT
	}
	if so.JetStream {
		so.JetStreamMaxMemory = 256 << 20
		if so.JetStreamMaxStore == 0 {
			so.JetStreamMaxStore = 64 << 30
		}
	}
	if o.Cluster != nil {
		joinCluster(so, o)
	}
	return so, nil
}

func joinCluster(so *server.Options, o Options) {
	so.ServerName = o.Name
	so.Cluster = server.ClusterOpts{Name: "embedded", Host: so.Host, Port: o.Cluster.Port}
	for _, p := range o.Cluster.Peers {
		so.Routes = append(so.Routes, &url.URL{Scheme: "nats-route", Host: p})
	}
}

// URL is where clients connect to.
func (s *Server) URL() string {
	return fmt.Sprintf("nats://%s", net.JoinHostPort(s.opts.Host, fmt.Sprint(s.opts.Port)))
}

// Options returns the options with the port in use: Start with them after a
// Shutdown brings the same server back.
func (s *Server) Options() Options { return s.opts }

// Connect opens a client connection as one of the Options' users, with the
// user's inbox prefix. The caller closes it.
func (s *Server) Connect(role routing.Role, label string, opts ...nats.Option) (*nats.Conn, error) {
	for _, u := range s.opts.Users {
		if u.Role != role || u.Label != label {
			continue
		}
		all := append([]nats.Option{
			nats.Name(u.Name()), nats.UserInfo(u.Name(), u.Password),
			nats.CustomInboxPrefix(routing.InboxPrefix(role, label)),
		}, opts...)
		return nats.Connect(s.URL(), all...)
	}
	if len(s.opts.Users) > 0 {
		return nil, fmt.Errorf("embedded NATS has no user %s", routing.UserName(role, label))
	}
	all := append([]nats.Option{nats.CustomInboxPrefix(routing.InboxPrefix(role, label))}, opts...)
	return nats.Connect(s.URL(), all...)
}

// LameDuck ends the server as an operator does who upgrades it: its clients
// are told, and sent to the other servers of its cluster within 3 s. Shutdown
// has to follow.
func (s *Server) LameDuck() { s.ns.LameDuckShutdown() }

// Shutdown stops the server and waits until its files are closed. It may be
// called more than once.
func (s *Server) Shutdown() {
	s.ns.Shutdown()
	s.ns.WaitForShutdown()
}
