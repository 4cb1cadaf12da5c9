// Package service is the template of a backend's service over NATS: it answers
// the calls of devices, on top of nats micro.
//
// What it adds to micro is what each such service needs and is easily
// forgotten: the device's token is verified before anything else, so that a
// handler knows who asks; the context ends when the device stops waiting; calls
// run side by side up to a bound; and errors become the statuses of the
// protocol, without a word of what the service did not mean to say.
//
// A service is written as a proto service; protoc-gen-hawser turns it into a Go
// interface and a function that registers an implementation. Package example
// is one, to be copied. Handle does the same without a generator.
//
// This package imports nothing of hawser's servers and no metrics library:
// backends in Go can use it as it is, others see in it what there is to do.
package service

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
)

// Caller is who asks: what a verified token says.
type Caller struct {
	Tenant, User, Device string
}

// Verifier checks a device's JWT. Keys is one.
type Verifier interface {
	Verify(jwt string) (tenant, user, device string, err error)
}

// Config of a Service.
type Config struct {
	// Conn is the connection of the NATS user backend-<tenant>.
	Conn *nats.Conn
	// Tenant whose devices are served.
	Tenant string
	// Name is what devices call the service by, such as "orders"; it must
	// stand in the tenant's services. "sync" answers sync of kinds that the
	// backend numbers, each as a method.
	Name string
	// Version of the service, as in "1.0.0", for who lists services on NATS.
	Version string
	// Verifier says whose the calls are.
	Verifier Verifier
	// MaxCalls bounds the calls that are handled at once; more are refused as
	// exhausted. 0: 256.
	MaxCalls int
	// MaxWait bounds a call, whatever the device says. 0: 30 s.
	MaxWait time.Duration
	// Log hears of calls that failed. nil discards.
	Log *slog.Logger
}

// Service answers calls until Close.
type Service struct {
	// Static after construction.
	cfg   Config
	micro micro.Service
	group micro.Group
	slots chan struct{}

	mu      sync.Mutex
	closed  bool               // Guarded by mu.
	methods map[string]*counts // Guarded by mu.

	calls sync.WaitGroup
}

// New registers a service without methods; Handle adds them.
func New(cfg Config) (*Service, error) {
	if err := errors.Join(wire.CheckID("tenant", cfg.Tenant), wire.CheckID("service", cfg.Name)); err != nil {
		return nil, err
	}
	if cfg.Verifier == nil {
		return nil, errors.New("service: without a Verifier anybody could be anybody")
	}
	if cfg.MaxCalls == 0 {
		cfg.MaxCalls = 256
	}
	if cfg.MaxWait == 0 {
		cfg.MaxWait = 30 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{cfg: cfg, slots: make(chan struct{}, cfg.MaxCalls), methods: map[string]*counts{}}
	var err error
	s.micro, err = micro.AddService(cfg.Conn, micro.Config{Name: cfg.Name, Version: cfg.Version, StatsHandler: s.endpointStats})
	if err != nil {
		return nil, fmt.Errorf("service %s: %w", cfg.Name, err)
	}
	s.group = s.micro.AddGroup(routing.UpstreamService(cfg.Tenant, cfg.Name))
	return s, nil
}

// Close leaves the queue group, so that other instances get the calls, and
// waits for what has begun.
func (s *Service) Close() error {
	err := s.micro.Stop()
	// From here on NATS sends nothing more.
	if flush := s.cfg.Conn.Flush(); err == nil {
		err = flush
	}
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.calls.Wait()
	// What the last calls answered must leave before the process may.
	if flush := s.cfg.Conn.Flush(); err == nil {
		err = flush
	}
	return err
}

// begin takes a place for a call; done must follow unless it fails.
func (s *Service) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return Errorf(wire.StatusUnavailable, "the service stops: ask again")
	}
	select {
	case s.slots <- struct{}{}:
		s.calls.Add(1)
		return nil
	default:
		return Errorf(wire.StatusExhausted, "the service has too much to do: ask again later")
	}
}

func (s *Service) done() {
	<-s.slots
	s.calls.Done()
}
