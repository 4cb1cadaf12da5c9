//go:build sabotage

package node

import (
	"os"
	"time"
)

// sabotageEnv chooses what goes wrong: drop-ack, drop-push, early-push or drop-batch. It
// exists only in builds with the tag sabotage, whose one purpose is to show
// that the demo notices.
const sabotageEnv = "HAWSER_SABOTAGE"

// A sabotage holds functions that tell whether to drop one more. Nil drops
// nothing.
type sabotage struct {
	dropAck, dropPush, dropBatch func() bool
	// earlyPush tells whether to call one more push made before it is.
	earlyPush func() bool
	// clock stands in for the host's wall clock where it is not nil.
	clock func() time.Time
}

func sabotageFromEnv() sabotage {
	always := func() bool { return true }
	s := sabotage{clock: clockFromEnv()}
	switch os.Getenv(sabotageEnv) {
	case "drop-ack":
		s.dropAck = always
	case "drop-push":
		s.dropPush = always
	case "early-push":
		s.earlyPush = always
	case "drop-batch":
		s.dropBatch = always
	}
	return s
}
