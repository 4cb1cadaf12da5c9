//go:build !race

package natsim

// underRace says whether the race detector watches.
const underRace = false
