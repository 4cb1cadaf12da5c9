package memory

import (
	"bytes"
	"io/fs"
	"math"
	"path"
)

// A room is a limit of memory and what is free within it, in bytes.
type room struct {
	// source is "machine" or "cgroup".
	source      string
	limit, free int64
}

// spare is what may still be taken: a tenth of the limit stays free, for what
// comes between two looks, and no more than maxReserve. Negative where less is
// free.
func (r room) spare() int64 { return r.free - min(r.limit/10, maxReserve) }

// maxReserve is some seconds of a storm, with the kernel's sockets.
const maxReserve = 512 << 20

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

	// Owned by whoever calls rooms: read again and again, they are to leave no
	// garbage behind.
	files [maxFile]byte
	found []room
}

// maxFile is how much is read of a file: what is looked for is at the
// beginning, and nobody's memory.stat is longer.
const maxFile = 16 << 10

// newHost finds the process's cgroups below root. Where there are none, as on
// systems other than Linux, the machine's limit is what is left, if that can be
// read.
func newHost(root fs.FS) *host {
	return &host{root: root, cgroups: findCgroups(whole(root, "proc/self/cgroup"), whole(root, "proc/self/mountinfo"))}
}

// whole is the text of a file, empty where there is none.
func whole(root fs.FS, name string) string {
	b, _ := fs.ReadFile(root, name)
	return string(b)
}

// rooms are the limits of this moment, the machine's first. A cgroup without a
// limit, or with one that the machine does not reach, is none. The next call
// overwrites them.
func (h *host) rooms() []room {
	all := h.found[:0]
	highest := int64(math.MaxInt64)
	info := h.read("proc/meminfo")
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
	h.found = all
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
		if n := number(h.read(path.Join(g.dir, name))); n > 0 {
			limit = min(limit, n)
		}
	}
	if limit == highest {
		return room{}, false
	}
	used := number(h.read(path.Join(g.dir, names.used)))
	if used < 0 {
		return room{}, false
	}
	cache := max(0, field(h.read(path.Join(g.dir, "memory.stat")), names.cache))
	return room{"cgroup", limit, max(0, limit-max(0, used-cache))}, true
}

// read is the beginning of a file, empty where there is none. The next call
// overwrites it.
func (h *host) read(name string) []byte {
	f, err := h.root.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	n, err := 0, error(nil)
	for err == nil && n < len(h.files) {
		var more int
		more, err = f.Read(h.files[n:])
		n += more
	}
	return h.files[:n]
}

// field is the number after a name at the beginning of a line, -1 where there
// is none.
func field(text []byte, name string) int64 {
	for line := range bytes.Lines(text) {
		rest, ok := bytes.CutPrefix(line, []byte(name))
		if ok && len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') {
			return number(rest)
		}
	}
	return -1
}

// number is the first word of text, -1 for what is none, such as "max".
func number(text []byte) (n int64) {
	digits := bytes.TrimLeft(text, " \t")
	if end := bytes.IndexAny(digits, " \t\n"); end >= 0 {
		digits = digits[:end]
	}
	if len(digits) == 0 || len(digits) > maxDigits {
		return -1
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return -1
		}
		n = 10*n + int64(c-'0')
	}
	return max(n, -1) // beyond the greatest it is negative
}

// maxDigits are those of the greatest int64.
const maxDigits = 19
