//go:build !sabotage

package node

// A sabotage is a set of planted faults; this build has none.
type sabotage struct {
	dropAck, dropPush, dropBatch func() bool
}

func sabotageFromEnv() sabotage { return sabotage{} }
