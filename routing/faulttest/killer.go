package main

import (
	"context"
	"math/rand/v2"
	"time"
)

// plan is who is to be killed, in order: edges and routers take turns, and
// which of the two is chance.
func plan(kills int, r *rand.Rand) []string {
	var victims []string
	for range kills {
		victims = append(victims, pick(r, edge1, edge2), pick(r, router1, router2))
	}
	return victims
}

func pick(r *rand.Rand, names ...string) string { return names[r.IntN(len(names))] }

// killAll kills one victim after the other and returns how many that were.
// One that is just starting again is waited for.
func killAll(ctx context.Context, victims []string, every time.Duration, kill func(string) bool) (done int) {
	for _, name := range victims {
		if !pause(ctx, every) {
			return done
		}
		for !kill(name) {
			if !pause(ctx, 20*time.Millisecond) {
				return done
			}
		}
		done++
	}
	return done
}
