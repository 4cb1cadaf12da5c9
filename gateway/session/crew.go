package session

import "sync"

// crew does one kind of work for many sessions, for a bounded number at once.
// A session adds itself only when it is not in the queue, so the sessions bound
// the queue.
type crew struct {
	// Static after construction.
	max  int
	work func(*session)

	mu      sync.Mutex
	queue   []*session // Guarded by mu.
	workers int        // Guarded by mu.
}

func newCrew(most int, work func(*session)) *crew { return &crew{max: most, work: work} }

// add queues a session and starts a worker for it if there may be one more.
// The worker belongs to the session's call of Serve. The caller holds the
// session's mu, so the session is alive.
func (c *crew) add(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = append(c.queue, s)
	if c.workers < c.max {
		c.workers++
		s.serving.wg.Go(c.run)
	}
}

// run works until nobody is queued.
func (c *crew) run() {
	for s := c.next(); s != nil; s = c.next() {
		c.work(s)
	}
}

func (c *crew) next() *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		c.workers--
		c.queue = nil
		return nil
	}
	s := c.queue[0]
	c.queue[0] = nil
	c.queue = c.queue[1:]
	return s
}
