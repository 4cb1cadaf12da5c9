package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// kernelMemory is what the kernel holds for the sockets of the whole machine.
type kernelMemory struct {
	slabs   map[string]slab
	buffers int64 // bytes of TCP and UDP
}

// slab is one of the kernel's caches of objects.
type slab struct{ active, size int64 }

// socketSlab has an object a socket.
const socketSlab = "sock_inode_cache"

// slabs are the caches in which a socket has objects. The value says that other
// things have objects there too, so that their number tells nothing: each
// socket has one.
var slabs = map[string]bool{
	socketSlab: false, "TCP": false, "TCPv6": false, "UDP": false, "UDPv6": false, "nf_conntrack": false,
	"filp": true, "dentry": true, "eventpoll_epi": true, "eventpoll_pwq": true,
}

// since is by how many bytes sockets have grown.
func (k kernelMemory) since(base kernelMemory) (bytes int64) {
	sockets := k.slabs[socketSlab].active - base.slabs[socketSlab].active
	for name, s := range k.slabs {
		if shared := slabs[name]; shared {
			bytes += sockets * s.size
		} else {
			bytes += (s.active - base.slabs[name].active) * s.size
		}
	}
	return bytes + k.buffers - base.buffers
}

// readKernel needs the right to read /proc/slabinfo.
func readKernel() (k kernelMemory, err error) {
	text, err := os.ReadFile("/proc/slabinfo")
	if err != nil {
		return k, fmt.Errorf("the kernel's memory is not known: %w", err)
	}
	sockets, err := os.ReadFile("/proc/net/sockstat")
	if err != nil {
		return k, fmt.Errorf("the kernel's memory is not known: %w", err)
	}
	k.slabs, k.buffers = parseSlabs(text), parseSockstat(sockets)*int64(os.Getpagesize())
	if k.slabs[socketSlab].size == 0 {
		return k, errors.New("the kernel's memory is not known: /proc/slabinfo lists no sockets")
	}
	return k, nil
}

// parseSlabs reads "name active total size ..." of those of slabs.
func parseSlabs(b []byte) map[string]slab {
	all := map[string]slab{}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		if _, ours := slabs[f[0]]; !ours {
			continue
		}
		n, err1 := strconv.ParseUint(f[1], 10, 40)
		size, err2 := strconv.ParseUint(f[3], 10, 20)
		if err1 == nil && err2 == nil {
			all[f[0]] = slab{int64(n), int64(size)}
		}
	}
	return all
}

// parseSockstat sums the pages of "TCP: inuse 1 ... mem 12".
func parseSockstat(b []byte) (pages int64) {
	for line := range strings.Lines(string(b)) {
		name, values, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if name != "TCP" && name != "UDP" {
			continue
		}
		f := strings.Fields(values)
		for i := 0; i+1 < len(f); i += 2 {
			if n, err := strconv.ParseUint(f[i+1], 10, 40); f[i] == "mem" && err == nil {
				pages += int64(n)
			}
		}
	}
	return pages
}
