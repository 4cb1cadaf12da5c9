package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// kernelMemory is what the kernel holds for the connections of the whole
// machine, in bytes.
type kernelMemory struct {
	slab    int64 // of sockets, their files and their places in epoll
	buffers int64 // of TCP and UDP
}

func (k kernelMemory) sum() int64 { return k.slab + k.buffers }

// slabs are the caches of the kernel that a connection has objects in.
var slabs = []string{"TCP", "TCPv6", "UDP", "UDPv6", "sock_inode_cache", "filp", "dentry", "eventpoll_epi", "eventpoll_pwq", "nf_conntrack"}

// readKernel needs the right to read /proc/slabinfo.
func readKernel() (k kernelMemory, err error) {
	slab, err := os.ReadFile("/proc/slabinfo")
	if err != nil {
		return k, fmt.Errorf("the kernel's memory is not known: %w", err)
	}
	sockets, err := os.ReadFile("/proc/net/sockstat")
	if err != nil {
		return k, fmt.Errorf("the kernel's memory is not known: %w", err)
	}
	k.slab, k.buffers = parseSlab(slab), parseSockstat(sockets)*int64(os.Getpagesize())
	if k.slab == 0 {
		return k, errors.New("the kernel's memory is not known: /proc/slabinfo lists no sockets")
	}
	return k, nil
}

// parseSlab sums the active objects of slabs: "name active total size ...".
func parseSlab(b []byte) (bytes int64) {
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 4 || !slices.Contains(slabs, f[0]) {
			continue
		}
		n, err1 := strconv.ParseInt(f[1], 10, 40)
		size, err2 := strconv.ParseInt(f[3], 10, 20)
		if err1 == nil && err2 == nil {
			bytes += n * size
		}
	}
	return bytes
}

// parseSockstat sums the pages of "TCP: inuse 1 ... mem 12".
func parseSockstat(b []byte) (pages int64) {
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] != "TCP:" && f[0] != "UDP:" {
			continue
		}
		if i := slices.Index(f, "mem"); i >= 0 && i+1 < len(f) {
			if n, err := strconv.ParseInt(f[i+1], 10, 40); err == nil {
				pages += n
			}
		}
	}
	return pages
}
