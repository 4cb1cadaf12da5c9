//go:build !sabotage

package node

import "time"

// A sabotage is a set of planted faults; this build has none.
type sabotage struct {
	dropAck, dropPush, dropBatch, earlyPush func() bool
	clock                                   func() time.Time
}

func sabotageFromEnv() sabotage { return sabotage{} }
