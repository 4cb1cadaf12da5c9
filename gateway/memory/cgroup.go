package memory

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// A cgroup is a folder with limits, without the slash in front.
type cgroup struct {
	dir string
	v2  bool
}

// names of a cgroup's files.
type names struct {
	limits []string
	used   string
	// cache is the field of memory.stat with the cache of files that can go.
	cache string
}

var (
	namesV1 = names{[]string{"memory.limit_in_bytes"}, "memory.usage_in_bytes", "total_inactive_file"}
	// Beyond memory.high the kernel slows the process down, which for an edge
	// is no better than its end.
	namesV2 = names{[]string{"memory.max", "memory.high"}, "memory.current", "inactive_file"}
)

// findCgroups are those of the process that may limit its memory, with those
// above them, given the texts of /proc/self/cgroup and /proc/self/mountinfo.
// Unreadable lines are passed over.
func findCgroups(membership, mounts string) (all []cgroup) {
	for line := range strings.Lines(membership) {
		// hierarchy:controllers:path
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) < 3 {
			continue
		}
		v2 := parts[1] == ""
		if !v2 && !slices.Contains(strings.Split(parts[1], ","), "memory") {
			continue
		}
		for mount := range strings.Lines(mounts) {
			if m, ok := parseMount(mount); ok && m.v2 == v2 {
				all = append(all, upwards(m, parts[2])...)
				break
			}
		}
	}
	return all
}

// upwards are the cgroup of a path and those above it, as far as the mount
// shows them. A path outside the mount is that of another namespace: what is
// mounted is the process's own then.
func upwards(m mount, name string) (all []cgroup) {
	below, inside := strings.CutPrefix(path.Clean("/"+name), strings.TrimSuffix(m.root, "/"))
	if !inside || below != "" && below[0] != '/' {
		below = ""
	}
	for dir := path.Clean("/" + below); ; dir = path.Dir(dir) {
		all = append(all, cgroup{strings.TrimPrefix(path.Join("/", m.point, dir), "/"), m.v2})
		if dir == "/" {
			return all
		}
	}
}

// A mount shows cgroups from root downwards in the folder point.
type mount struct {
	root, point string
	v2          bool
}

// parseMount reads a line of mountinfo, as proc(5) has it:
//
//	id parent major:minor root point options [optional...] - type source super
//
// It is false for what is no mount of cgroups with limits of memory.
func parseMount(line string) (mount, bool) {
	words := strings.Fields(line)
	end := slices.Index(words, "-")
	if end < 6 || len(words) < end+4 {
		return mount{}, false
	}
	m := mount{root: unescape(words[3]), point: unescape(words[4]), v2: words[end+1] == "cgroup2"}
	v1 := words[end+1] == "cgroup" && slices.Contains(strings.Split(words[end+3], ","), "memory")
	return m, m.v2 || v1
}

// unescape reads the octal escapes, \040 for a space, that mountinfo has.
func unescape(text string) string {
	var out strings.Builder
	for text != "" {
		if text[0] == '\\' && len(text) > 3 {
			if n, err := strconv.ParseUint(text[1:4], 8, 8); err == nil {
				out.WriteByte(byte(n))
				text = text[4:]
				continue
			}
		}
		out.WriteByte(text[0])
		text = text[1:]
	}
	return out.String()
}
