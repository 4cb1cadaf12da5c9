//go:build unix

package main

import (
	"strconv"
	"syscall"
)

func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// openFiles is the number of open files that a process started from here may
// have, where that is less than compose.yaml asks for.
func openFiles() string {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Max >= 1<<20 {
		return ""
	}
	return strconv.FormatUint(uint64(limit.Max), 10)
}
