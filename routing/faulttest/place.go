package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/hawser-edge/hawser/routing/embednats"
)

// A place is where the members of a fleet live.
type place interface {
	// address is where a member offers a service, "host:port". It is the same
	// for every call.
	address(member, service string) string
	// host is where the harness itself can be reached; empty: on loopback.
	host() string
	// within calls do on a thread that is in the member's network: sockets
	// made and processes started there belong to it.
	within(member string, do func() error) error
	// cut drops whatever the two members send each other, without a word to
	// either; join lets it through again.
	cut(a, b string) error
	join(a, b string) error
	// store is the folder of a NATS server. fill leaves no room in it, free
	// makes room again.
	store(member string) string
	fill(member string) error
	free(member string) error
	io.Closer
}

// The services of members.
const (
	serviceNATS    = "nats"
	serviceCluster = "cluster"
	serviceMonitor = "monitor"
	serviceDevices = "devices"
	serviceAPI     = "api"
	serviceAdmin   = "admin"
)

// services are those that a member offers.
func services(member string) []string {
	switch sortOf(member) {
	case sortNATS:
		return []string{serviceNATS, serviceCluster, serviceMonitor}
	case sortEdge:
		return []string{serviceDevices, serviceAdmin}
	case sortRouter:
		return []string{serviceAPI, serviceAdmin}
	default:
		return []string{serviceAdmin}
	}
}

// A loopback place has all members side by side. Nothing can be cut there.
type loopbackPlace struct {
	// Static.
	dir   string
	addrs map[string]string
	held  []io.Closer
}

func newLoopback(dir string, members []string) (*loopbackPlace, error) {
	p := &loopbackPlace{dir: dir, addrs: map[string]string{}}
	for _, m := range members {
		wanted := services(m)
		addrs, held, err := embednats.FreeAddrs(len(wanted))
		if err != nil {
			return nil, errors.Join(err, p.Close())
		}
		p.held = append(p.held, held)
		for i, service := range wanted {
			p.addrs[m+"/"+service] = addrs[i]
		}
	}
	return p, nil
}

func (p *loopbackPlace) address(member, service string) string { return p.addrs[member+"/"+service] }
func (p *loopbackPlace) host() string                          { return "" }

func (p *loopbackPlace) within(_ string, do func() error) error { return do() }

func (p *loopbackPlace) cut(string, string) error  { return errOnLoopback }
func (p *loopbackPlace) join(string, string) error { return errOnLoopback }
func (p *loopbackPlace) fill(string) error         { return errOnLoopback }
func (p *loopbackPlace) free(string) error         { return errOnLoopback }

func (p *loopbackPlace) store(member string) string { return fmt.Sprintf("%s/%s", p.dir, member) }

func (p *loopbackPlace) Close() error {
	var errs []error
	for _, h := range p.held {
		errs = append(errs, h.Close())
	}
	return errors.Join(errs...)
}

var errOnLoopback = errors.New("this fault needs members with a network and a disk of their own: not with --loopback")
