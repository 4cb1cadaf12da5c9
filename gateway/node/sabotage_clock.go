//go:build sabotage

package node

import (
	"os"
	"strings"
	"sync"
	"time"
)

// sabotageClockEnv names a file that holds by how much the wall clock of this
// process is wrong, such as "1h" or "-3s". The file may change at any time; one
// that is missing or empty leaves the clock right. A process has no wall clock
// of its own, so a test that wants a wrong one on this host only has to lie.
const sabotageClockEnv = "HAWSER_SABOTAGE_CLOCK"

// clockLook is how often the file is read at most.
const clockLook = 50 * time.Millisecond

// clockFromEnv is nil where nobody asks for a wrong clock.
func clockFromEnv() func() time.Time {
	file := os.Getenv(sabotageClockEnv)
	if file == "" {
		return nil
	}
	return (&wrongHostClock{file: file}).now
}

// wrongHostClock is time.Now with an error.
type wrongHostClock struct {
	// Static.
	file string

	mu sync.Mutex
	// Guarded by mu.
	readAt time.Time
	by     time.Duration
}

func (c *wrongHostClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if now.Sub(c.readAt) >= clockLook {
		c.readAt, c.by = now, readShift(c.file)
	}
	return now.Add(c.by)
}

func readShift(file string) time.Duration {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	by, err := time.ParseDuration(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return by
}
