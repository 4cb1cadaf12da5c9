// Package natstest starts embedded NATS servers for tests. It is a package of
// its own so that the program does not link package testing.
package natstest

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats"
)

// Server is an embedded server that ends with its test.
type Server struct {
	*embednats.Server
	t testing.TB
}

// Password is every test user's.
const Password = "test-password-of-no-value"

// Run starts a server with JetStream. With users it has their permissions,
// and a missing password is set to Password; without, everybody may do
// everything.
func Run(t testing.TB, users ...routing.User) *Server {
	t.Helper()
	return RunOptions(t, embednats.Options{Users: users})
}

// RunOptions starts a server; an empty Dir becomes one of the test's. The port
// stays the test's, so that the server can come back there.
func RunOptions(t testing.TB, o embednats.Options) *Server {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Port == 0 {
		addrs, release, err := embednats.FreeAddrs(1)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = release.Close() })
		o.Port = int(netip.MustParseAddrPort(addrs[0]).Port())
	}
	for i := range o.Users {
		if o.Users[i].Password == "" {
			o.Users[i].Password = Password
		}
	}
	s, err := embednats.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	srv := &Server{Server: s, t: t}
	t.Cleanup(func() { srv.Shutdown() })
	return srv
}

// Restart stops the server, calls while (may be nil) and starts it again on
// the same port with the same files.
func (s *Server) Restart(while func()) {
	s.t.Helper()
	s.Shutdown()
	if while != nil {
		while()
	}
	again, err := embednats.Start(s.Options())
	if err != nil {
		s.t.Fatal(err)
	}
	s.Server = again
}

// connectTries bounds the attempts to connect, of 2 s each by default.
const connectTries = 30

// Conn connects as a user, for the length of the test. It reconnects fast
// and for ever. On a machine without a free processor an attempt may take too
// long, and another one is made.
func (s *Server) Conn(role routing.Role, label string, opts ...nats.Option) *nats.Conn {
	s.t.Helper()
	opts = append([]nats.Option{nats.MaxReconnects(-1), nats.ReconnectWait(20 * time.Millisecond)}, opts...)
	nc, err := s.Connect(role, label, opts...)
	for n := 1; n < connectTries && isTimeout(err); n++ {
		nc, err = s.Connect(role, label, opts...)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(nc.Close)
	return nc
}

func isTimeout(err error) bool {
	var slow net.Error
	return errors.As(err, &slow) && slow.Timeout() || errors.Is(err, nats.ErrTimeout)
}

// JetStream connects as a router and makes the streams, small ones unless o
// says otherwise.
func (s *Server) JetStream(router string, o routing.StreamOptions) (*nats.Conn, jetstream.JetStream) {
	s.t.Helper()
	nc := s.Conn(routing.RoleRouter, router)
	js, err := jetstream.New(nc)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		err := routing.EnsureStreams(ctx, js, small(o))
		if err == nil {
			return nc, js
		}
		// A cluster's leader hears of the other servers one by one.
		const noPeers = 10005
		var api *jetstream.APIError
		if !errors.As(err, &api) || api.ErrorCode != noPeers || ctx.Err() != nil {
			s.t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func small(o routing.StreamOptions) routing.StreamOptions {
	for _, p := range []*int64{&o.InboxMaxBytes, &o.PushMaxBytes, &o.EventsMaxBytes, &o.DevicesMaxBytes} {
		if *p == 0 {
			*p = 256 << 20
		}
	}
	return o
}
