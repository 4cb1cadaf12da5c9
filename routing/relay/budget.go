package relay

import "sync"

const (
	// maxRepeats is how many repeats are allowed at once after a time without
	// any.
	maxRepeats = 100
	// repeatShare is how many more each answered call allows: where the routers
	// are slow one question in ten is asked twice, not every one.
	repeatShare = 0.1
)

// A budget bounds the repeats of syncs that hawser answers itself, of one edge.
// Where a router died with the question the repeat is answered at once, and
// costs nothing; where routers or the log have too much to do, each repeat
// makes that more.
type budget struct {
	mu sync.Mutex
	// Guarded by mu. left is how many repeats are allowed now.
	left float64
}

func newBudget() *budget { return &budget{left: maxRepeats} }

// take reports whether a call may be sent once more.
func (b *budget) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// answered takes in that a call was answered, and whether that came promptly
// after a repeat.
func (b *budget) answered(promptly bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if promptly {
		b.left++
	}
	b.left = min(b.left+repeatShare, maxRepeats)
}
