//go:build unix

package node

import "syscall"

// maxFiles is how many descriptors the process may have; 0: unknown. Go has
// raised the limit as far as it may.
func maxFiles() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	const unlimited = 1 << 30
	if limit.Cur > unlimited {
		return 0
	}
	return int(limit.Cur)
}
