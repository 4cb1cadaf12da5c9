package park

import "sync"

// greedy are the sockets that were given a share and have more to do, each
// once. They take turns, and hold up one another only.
type greedy struct {
	filled chan struct{} // has a place for each worker

	mu      sync.Mutex
	sockets []*Socket // Guarded by mu. First come, first served.
}

func newGreedy(workers int) *greedy { return &greedy{filled: make(chan struct{}, workers)} }

// add is called by who has the socket's turn, which the socket keeps.
func (g *greedy) add(s *Socket) {
	g.mu.Lock()
	g.sockets = append(g.sockets, s)
	g.mu.Unlock()
	signal(g.filled)
}

// run is a worker.
func (g *greedy) run(stopped <-chan struct{}) {
	for {
		if s := g.next(); s != nil {
			s.turn()
			continue
		}
		select {
		case <-g.filled:
		case <-stopped:
			return
		}
	}
}

func (g *greedy) next() *Socket {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.sockets) == 0 {
		g.sockets = nil
		return nil
	}
	s := g.sockets[0]
	g.sockets[0] = nil
	g.sockets = g.sockets[1:]
	return s
}
