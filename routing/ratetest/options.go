package main

import (
	"fmt"
	"time"
)

// options of a run.
type options struct {
	// replicas is the number of NATS servers, and of copies of each stream.
	replicas int
	// users each have one connected device, and one event under way at most
	// while the most is looked for.
	users int
	// size is an item's, in bytes.
	size int
	// rate is how many events a second are published in a round. 0: half of
	// the most that hawser takes.
	rate int
	// rounds are compared, each way in turns.
	rounds int
	// round is how long a round lasts, most how long the most is looked for.
	round, most time.Duration
	json, keep  bool
}

// minUsers is how many it takes that no device is told of more than an edge
// lets it acknowledge: 200 frames a second.
const minUsers = 500

func defaults() options {
	return options{replicas: 3, users: 2000, size: 100, rounds: 5, round: 4 * time.Second, most: 5 * time.Second}
}

func (o *options) check() error {
	switch {
	case o.replicas != 1 && o.replicas != 3:
		return fmt.Errorf("--replicas %d must be 1 or 3", o.replicas)
	case o.users < minUsers || o.users > 20_000:
		return fmt.Errorf("--users %d must be %d to 20000", o.users, minUsers)
	case o.size < indexBytes || o.size > 32<<10:
		return fmt.Errorf("--size %d must be %d to 32768", o.size, indexBytes)
	case o.rate < 0 || o.rate > 1_000_000:
		return fmt.Errorf("--rate %d must be 0 to 1000000", o.rate)
	case o.rounds < 1 || o.rounds > 100:
		return fmt.Errorf("--rounds %d must be 1 to 100", o.rounds)
	case o.round < 100*time.Millisecond || o.most < 100*time.Millisecond:
		return fmt.Errorf("--round %v and --most %v must be at least 100ms", o.round, o.most)
	}
	return nil
}
