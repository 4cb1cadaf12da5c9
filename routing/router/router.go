package router

import "context"

// Router is one router of the fleet.
type Router struct {
	// Static after construction.
	cfg Config
}

// New returns a router that does nothing until Run.
func New(cfg Config) (*Router, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Router{cfg: cfg}, nil
}

// Run works until ctx ends or Drain is done. While NATS, the streams or the
// bucket are not there it waits and tries again; it returns an error only
// for what waiting does not heal.
func (r *Router) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Drain hands everything over to the other routers: it takes no more events,
// returns those that it holds, says to the edges that it leaves, and ends
// Run. It returns when that is done or ctx ends.
func (r *Router) Drain(ctx context.Context) error { return ctx.Err() }

// Ready reports whether the router's table is complete, so that it takes
// events.
func (r *Router) Ready() bool { return false }
