package main

import (
	"fmt"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// parts is the memory of everything that a run started, with its connections
// held and nothing forced. Processes that run the same program share its pages,
// which are counted in each.
type parts struct {
	Edges     []int64 `json:"edges_rss_bytes"`
	Router    int64   `json:"router_rss_bytes"`
	Push      int64   `json:"push_rss_bytes"`
	NATS      int64   `json:"nats_rss_bytes"`
	Generator int64   `json:"generator_rss_bytes"` // all workers
	// Kernel is what both ends of the connections, and whoever else opened
	// sockets meanwhile, take there; nil: not known.
	Kernel *int64 `json:"kernel_bytes"`
	Total  int64  `json:"total_bytes"`
}

// readParts reads the memory of a fleet and a crew.
func readParts(f *fleet, c *crew, base *kernelMemory) (*parts, error) {
	p := &parts{}
	for _, e := range f.edgeProcesses {
		rss, err := devmode.ExactRSS(e.Pid())
		if err != nil {
			return nil, err
		}
		p.Edges = append(p.Edges, rss)
	}
	for process, to := range map[*devmode.Process]*int64{f.routing: &p.Router, f.pushing: &p.Push, f.nats: &p.NATS} {
		rss, err := devmode.ExactRSS(process.Pid())
		if err != nil {
			return nil, err
		}
		*to = rss
	}
	for _, h := range c.hands {
		rss, err := devmode.ExactRSS(h.cmd.Process.Pid)
		if err != nil {
			return nil, err
		}
		p.Generator += rss
	}
	if base != nil {
		now, err := readKernel()
		if err != nil {
			return nil, err
		}
		grown := max(now.since(*base), 0)
		p.Kernel = &grown
	}
	p.sum()
	return p, nil
}

func (p *parts) sum() {
	p.Total = p.edges() + p.Router + p.Push + p.NATS + p.Generator
	if p.Kernel != nil {
		p.Total += *p.Kernel
	}
}

func (p *parts) edges() (sum int64) {
	for _, rss := range p.Edges {
		sum += rss
	}
	return sum
}

// lines are for people.
func (p *parts) lines() []line {
	least, most := p.Edges[0], p.Edges[0]
	for _, rss := range p.Edges {
		least, most = min(least, rss), max(most, rss)
	}
	kernel := "not measured"
	if p.Kernel != nil {
		kernel = mega(*p.Kernel)
	}
	return []line{
		{"memory of all", mega(p.Total)},
		{"of it edges", fmt.Sprintf("%s in %s, %s to %s", mega(p.edges()), processes(len(p.Edges)), mega(least), mega(most))},
		{"kernel, both ends", kernel},
		{"NATS, router, push", fmt.Sprintf("%s, %s, %s", mega(p.NATS), mega(p.Router), mega(p.Push))},
		{"generator", mega(p.Generator)},
	}
}
