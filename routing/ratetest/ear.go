package main

import (
	"context"
	"sort"
	"sync"
	"time"
)

// arrival is a version that a user's device, or the consumer, heard of.
type arrival struct {
	version int64
	at      time.Time
}

// ear gathers arrivals of one round.
type ear struct {
	mu sync.Mutex
	// Guarded by mu.
	byUser [][]arrival
	// busy users have an event under way.
	busy []bool

	// free are the users that have none. Its room is for all of them.
	free chan int
}

func newEar(users int) *ear {
	e := &ear{free: make(chan int, users)}
	e.reset(users)
	return e
}

func (e *ear) reset(users int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.byUser, e.busy = make([][]arrival, users), make([]bool, users)
	for len(e.free) > 0 {
		<-e.free
	}
	for u := range users {
		e.free <- u
	}
}

func (e *ear) hear(user int, version int64, at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if user < 0 || user >= len(e.byUser) {
		return
	}
	e.byUser[user] = append(e.byUser[user], arrival{version, at})
	if e.busy[user] {
		e.busy[user] = false
		e.free <- user
	}
}

func (e *ear) begin(user int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.busy[user] = true
}

// arrived waits until a user has heard of a version, or a newer one.
func (e *ear) arrived(ctx context.Context, user int, version int64, deadline time.Time) (time.Time, bool) {
	for {
		heard := e.heard(user)
		i := sort.Search(len(heard), func(i int) bool { return heard[i].version >= version })
		if i < len(heard) {
			return heard[i].at, true
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return time.Time{}, false
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// heard returns a user's arrivals so far.
func (e *ear) heard(user int) []arrival {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.byUser[user]
}
