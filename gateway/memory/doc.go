// Package memory decides over the memory of the process, so that who operates
// it sets nothing: how large it may become, how often garbage is collected,
// and when what is free goes back to the system.
//
// # The soft limit
//
// Every second the limits that apply are read, the cgroup's (v1 and v2, with
// those above it) and the machine's, and what is free within each. The
// runtime's soft limit is what the process has and what is free, less a
// reserve. So it gives way to what the runtime does not see: the kernel's
// memory of sockets, which a cgroup counts and which is more than an idle
// connection costs here, and other processes, above all other edges on the
// same port. It never asks for more collections than GOGC 10 does: where
// memory is short for another reason, collecting without end would not help.
// An edge tells devices to come back later then; see Policy.Short.
//
// # Calm and storm
//
// GOGC says how much garbage there may be beside what lives: memory on the one
// hand, on the other CPU, for a collection goes over all that lives. A process
// that holds idle connections has little garbage, and seldom needs its CPU: it
// buys memory with it. In a storm, when many connect, the CPU is what is short.
// So GOGC is, from 10 to 33, what has collections take a given share of the
// CPU. Where they take three times as much it is a storm, and GOGC is 400, if the
// soft limit leaves room for it, until 33 would be enough: a storm is short, most of
// its memory is given back, and a process does not know who else wants its
// processors, such as more edges on the same port.
//
// Not all is given back: of some dozens of objects that a connection leaves
// behind, the small ones lie among the garbage of handshakes, and the more there
// may be of it the fewer are neighbours. With GOGC at 400 that is half as much
// again for each connection as it needs, for as long as it stays; with 50 it is a
// tenth. So an edge that has just started, and has nobody to spare, is filled
// without a storm as far as that goes.
//
// It is reckoned every second: a collection comes as often as GOGC's part of
// what lives is allocated, and takes what one was last seen to take for each
// byte that lives. What lives cancels out. With 2 ns a byte, seen with parked
// connections, GOGC leaves 10 when 4 MB a second and core are allocated, some 70
// handshakes, and is highest from ten times that on, in an edge of any size; in
// one whose memory has no pointers it takes more. Where collections come one upon
// the other, as at the beginning of a storm, what they took says the same without
// waiting for the second to be over. An edge says itself, too, that there is a
// storm: when many wait for their handshakes, beside some who have been there for a
// while; see Policy.Rush.
//
// # Trimming
//
// While GOGC is low, memory that is free or garbage goes back to the system in
// one collection, if it is worth it, and seldom enough to take no more than a
// hundredth of the time.
//
// The variables GOMEMLIMIT and GOGC of the runtime go first: what they set is
// left alone.
package memory
