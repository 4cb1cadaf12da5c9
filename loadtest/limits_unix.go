//go:build unix

package main

import "syscall"

// descriptors is how many files a process of ours may open. The Go runtime
// has raised the soft limit to the hard one.
func descriptors() int {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 1024
	}
	return int(min(uint64(l.Cur), 1<<30))
}
