package dispatch

import "time"

// Config of a Dispatcher. Zero values stand for the defaults.
type Config struct {
	// AckWait of the log's consumer: messages are kept alive at a third of
	// it. Default 4 s.
	AckWait time.Duration
	// MaxPending bounds the messages held, and at twice as many the open
	// deliveries: see relief.go. Default 100,000.
	MaxPending int
	// MaxRecent bounds the users' kinds that are remembered for RecentFor
	// after some device was not heard of, and those that every known device
	// acknowledged. Default 131,072 of each.
	MaxRecent int
	// RecentFor is how long they are remembered. Default 30 s.
	RecentFor time.Duration
	// LostWait is how long the devices of a lost edge are given to come back
	// before they are pushed: see lost.go. Default 20 s; LostRate is how many
	// of them are pushed a second afterwards. Default 2,000.
	LostWait time.Duration
	LostRate int
	// MaxChecks bounds the push role's open questions. Default 20,000.
	MaxChecks int
}

func (c Config) withDefaults() Config {
	def := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	def(&c.MaxPending, 100_000)
	def(&c.MaxRecent, 131_072)
	def(&c.MaxChecks, 20_000)
	def(&c.LostRate, 2_000)
	if c.LostWait <= 0 {
		c.LostWait = 20 * time.Second
	}
	if c.AckWait <= 0 {
		c.AckWait = 4 * time.Second
	}
	if c.RecentFor <= 0 {
		c.RecentFor = 30 * time.Second
	}
	return c
}
