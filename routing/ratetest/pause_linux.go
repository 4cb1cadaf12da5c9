package main

import (
	"syscall"
	"time"
)

// sleep waits for less than a millisecond too: the Go runtime's own timers
// round that up where nothing else is to be done, and events would come in
// bursts that no backend makes.
func sleep(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil) // too early after a signal: the next one waits longer
}
