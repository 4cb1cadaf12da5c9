package main

import (
	"maps"
	"sync"
)

// counter keeps a worker's stats.
type counter struct {
	mu sync.Mutex
	// Guarded by mu.
	s   Stats
	tls map[negotiated]int
}

func newCounter() *counter {
	return &counter{s: Stats{Failed: map[string]int{}, Refused: map[string]int{}}, tls: map[negotiated]int{}}
}

func (c *counter) arrived(n negotiated) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Held++
	c.s.Connected++
	c.tls[n]++
}

func (c *counter) departed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Held--
}

func (c *counter) failed(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Failed[reason]++
}

func (c *counter) beat() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Beats++
}

func (c *counter) published() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Published++
}

func (c *counter) refused(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Refused[reason]++
}

// heard takes what ledger.hear says.
func (c *counter) heard(n int, backwards bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Heard += n
	if backwards {
		c.s.Backwards++
	}
}

func (c *counter) read() (Stats, map[negotiated]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.s
	s.Failed, s.Refused = maps.Clone(s.Failed), maps.Clone(s.Refused)
	return s, maps.Clone(c.tls)
}
