//go:build !linux

package transport

import "time"

// newStint returns how to begin a piece of work. Nobody says here what its thread
// waits.
func newStint() func() (end func() time.Duration) {
	return func() func() time.Duration { return func() time.Duration { return 0 } }
}
