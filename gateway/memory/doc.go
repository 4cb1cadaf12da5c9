// Package memory decides over the memory of the process, so that who operates
// it sets nothing: how large it may become, how often garbage is collected,
// and when what is free goes back to the system.
//
// # The soft limit
//
// Every second the limits that apply are read, the cgroup's (v1 and v2, with
// those above it) and the machine's, and what is free within each. The
// runtime's soft limit is what the process has and what is free, less a tenth
// of the limit. So it gives way to what the runtime does not see: the kernel's
// memory of sockets, which a cgroup counts and which is more than an idle
// connection costs here, and other processes, above all other edges on the
// same port. It never asks for more collections than calm does, below: where
// memory is short for another reason, collecting without end would not help.
//
// # Calm and storm
//
// A process that holds connections which are mostly idle has little garbage,
// and pays for GOGC with memory: its garbage may be a quarter of what lives in
// calm (GOGC 25). In a storm, when many connect, every collection goes over
// all connections that are there, and calm's GOGC would double the CPU of a
// handshake: it is 100 then, if the soft limit leaves room for that.
//
// It is a storm where collections of calm would take a tenth of the CPU. That
// is reckoned, every second: a collection for each quarter of what lives that
// is allocated, at what a collection was last seen to take for each byte that
// lives. What lives cancels out, so 2 ns a byte, seen with parked connections,
// make a storm of 12 MB a second and core, some hundred handshakes, in an edge
// of any size; in one whose memory has no pointers it takes more.
//
// # Trimming
//
// After some seconds of calm, memory that is free or garbage goes back to the
// system in one collection, if it is worth it, and seldom enough to take no
// more than a hundredth of the time.
//
// The variables GOMEMLIMIT and GOGC of the runtime go first: what they set is
// left alone.
package memory
