package h2conn

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A peer that allows a hundred requests on a connection: a thousand under way
// take twelve connections of 90 at the most, opened one by one.
func TestAThousandInFlight(t *testing.T) {
	var now, most atomic.Int64
	var hole atomic.Bool
	released := make(chan struct{})
	s, opened := serve(t, 100, func(http.ResponseWriter, *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if hole.Load() {
			<-released
		}
		time.Sleep(20 * time.Millisecond) // so that many are under way at once
	})
	cl := clientOf(t, s, func(c *Config) {
		c.MaxConns = 12
		c.PingWait = time.Minute // a busy machine is not a dead connection
	})
	burst := func(wg *sync.WaitGroup) {
		for range 1000 {
			wg.Go(func() {
				if _, err := get(t.Context(), cl, "/"); err != nil {
					t.Error(err)
				}
			})
		}
	}
	waitUntil(t, func() bool {
		var wg sync.WaitGroup
		burst(&wg)
		wg.Wait()
		return proven(cl) == 12
	})
	hole.Store(true)
	var wg sync.WaitGroup
	burst(&wg)
	waitUntil(t, func() bool { return now.Load() == 1000 })
	if opened.Load() > 12 {
		t.Errorf("%d connections at 1,000 in flight", opened.Load())
	}
	close(released)
	wg.Wait()
	if cl.Connections() > 12 {
		t.Errorf("%d connections afterwards", cl.Connections())
	}
}

// proven counts the connections that take many requests.
func proven(cl *Client) (n int) {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	for c := range cl.open {
		if c.proven {
			n++
		}
	}
	return n
}

// What the peer does to the side lane's connection touches no other one; where
// the main one is full its requests take what is free on the side.
func TestLanes(t *testing.T) {
	released := make(chan struct{})
	var hole atomic.Bool
	var now atomic.Int64
	s, opened := serve(t, 20, func(http.ResponseWriter, *http.Request) {
		now.Add(1)
		defer now.Add(-1)
		if hole.Load() {
			<-released
		}
	})
	cl := clientOf(t, s, nil)
	do := func(l Lane) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+cl.cfg.Addr+"/", nil)
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := cl.Do(req, l); err != nil {
			t.Error(err)
		}
	}
	do(Side)
	do(Main)
	if opened.Load() != 2 {
		t.Fatalf("%d connections for two lanes", opened.Load())
	}
	hole.Store(true)
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() { do(Main) })
	}
	waitUntil(t, func() bool { return now.Load() == 30 }) // 18 and 12
	close(released)
	wg.Wait()
	if opened.Load() != 2 {
		t.Errorf("%d connections", opened.Load())
	}
}
