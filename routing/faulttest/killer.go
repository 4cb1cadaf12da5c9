package main

import (
	"context"
	"math/rand/v2"
	"time"
)

// The faults that a run can be about.
const (
	// faultKill kills edges and routers in turns.
	faultKill = "kill"
	// faultKillEdges and faultKillRouters kill one sort only, as often.
	faultKillEdges   = "kill-edges"
	faultKillRouters = "kill-routers"
)

// sorts are whom a fault concerns, in turns.
func sorts(fault string) [][]string {
	edges, routers := []string{edge1, edge2}, []string{router1, router2}
	switch fault {
	case faultKill:
		return [][]string{edges, routers}
	case faultKillEdges:
		return [][]string{edges, edges}
	case faultKillRouters:
		return [][]string{routers, routers}
	default:
		return nil
	}
}

// plan is who is to be killed, in order, two a round: which of a sort is
// chance.
func plan(fault string, rounds int, r *rand.Rand) []string {
	var victims []string
	for range rounds {
		for _, names := range sorts(fault) {
			victims = append(victims, names[r.IntN(len(names))])
		}
	}
	return victims
}

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
