package service

import (
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/micro"
)

// MethodStats is what the statistics of micro hold of a method as data. The
// times and errors that micro counts itself are of taking a call in, which is
// done before it is handled.
type MethodStats struct {
	Calls     int64 `json:"calls"`
	Errors    int64 `json:"errors"`
	InFlight  int64 `json:"in_flight"`
	AverageMs int64 `json:"average_ms"`
}

// counts of a method.
type counts struct {
	calls, errors, open, ended, nanos atomic.Int64
}

func (c *counts) begin() (end func(err error)) {
	c.calls.Add(1)
	c.open.Add(1)
	start := time.Now()
	return func(err error) {
		c.open.Add(-1)
		c.ended.Add(1)
		c.nanos.Add(int64(time.Since(start)))
		if err != nil {
			c.errors.Add(1)
		}
	}
}

func (c *counts) stats() MethodStats {
	s := MethodStats{Calls: c.calls.Load(), Errors: c.errors.Load(), InFlight: c.open.Load()}
	if n := c.ended.Load(); n > 0 {
		s.AverageMs = time.Duration(c.nanos.Load() / n).Milliseconds()
	}
	return s
}

// Stats are those of each method by its name.
func (s *Service) Stats() map[string]MethodStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]MethodStats, len(s.methods))
	for name, c := range s.methods {
		out[name] = c.stats()
	}
	return out
}

// endpointStats answers micro, which asks whoever asked $SRV.STATS.
func (s *Service) endpointStats(e *micro.Endpoint) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.methods[e.Name]; c != nil {
		return c.stats()
	}
	return nil
}

// count returns the counts of a new method.
func (s *Service) count(method string) *counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &counts{}
	s.methods[method] = c
	return c
}
