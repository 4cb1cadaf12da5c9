package memory

import (
	"bytes"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
)

// A room is a limit of memory and what is free within it, in bytes.
type room struct {
	// source is "machine" or "cgroup".
	source      string
	limit, free int64
}

// spare is what may still be taken: a tenth of the limit stays free, for what
// comes between two looks. Negative where less is free.
func (r room) spare() int64 { return r.free - r.limit/10 }

// smallest is the room with the lowest limit. There must be one.
func smallest(rooms []room) room {
	least := rooms[0]
	for _, r := range rooms[1:] {
		if r.limit < least.limit {
			least = r
		}
	}
	return least
}

// tightest is the room with the least to spare. There must be one.
func tightest(rooms []room) room {
	least := rooms[0]
	for _, r := range rooms[1:] {
		if r.spare() < least.spare() {
			least = r
		}
	}
	return least
}

// host reads the limits that apply to the process.
type host struct {
	// Static after newHost.
	root    fs.FS // the system's files
	cgroups []cgroup
}

// newHost finds the process's cgroups below root. Where there are none, as on
// systems other than Linux, the machine's limit is what is left, if that can be
// read.
func newHost(root fs.FS) *host {
	return &host{root: root, cgroups: findCgroups(readText(root, "proc/self/cgroup"), readText(root, "proc/self/mountinfo"))}
}

// rooms are the limits of this moment, the machine's first. A cgroup without a
// limit, or with one that the machine does not reach, is none.
func (h *host) rooms() []room {
	var all []room
	highest := int64(math.MaxInt64)
	info := readText(h.root, "proc/meminfo")
	total, free := field(info, "MemTotal:"), field(info, "MemAvailable:")
	if total > 0 && total < math.MaxInt64>>10 && free >= 0 && free <= total {
		highest = total << 10 // "kB" is KiB
		all = append(all, room{"machine", highest, free << 10})
	}
	for _, g := range h.cgroups {
		if r, ok := h.room(g, highest); ok {
			all = append(all, r)
		}
	}
	return all
}

// room reads a cgroup with a limit below highest. What is used includes the cache of files; the part that
// was not read lately goes before anything else, and counts as free.
func (h *host) room(g cgroup, highest int64) (room, bool) {
	names := namesV1
	if g.v2 {
		names = namesV2
	}
	limit := highest
	for _, name := range names.limits {
		if n := number(readText(h.root, path.Join(g.dir, name))); n > 0 {
			limit = min(limit, n)
		}
	}
	if limit == highest {
		return room{}, false
	}
	used := number(readText(h.root, path.Join(g.dir, names.used)))
	if used < 0 {
		return room{}, false
	}
	cache := max(0, field(readText(h.root, path.Join(g.dir, "memory.stat")), names.cache))
	return room{"cgroup", limit, max(0, limit-max(0, used-cache))}, true
}

// readText is empty where there is no such file.
func readText(root fs.FS, name string) string {
	b, err := fs.ReadFile(root, name)
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(b))
}

// field is the number after a name at the beginning of a line, -1 where there
// is none.
func field(text, name string) int64 {
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == name {
			return number(words[1])
		}
	}
	return -1
}

// number is -1 for what is none, such as "max".
func number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}
