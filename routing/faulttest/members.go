package main

import "strings"

// The members of the fleet.
const (
	nats1   = "nats-1"
	nats2   = "nats-2"
	nats3   = "nats-3"
	edge1   = "edge-1"
	edge2   = "edge-2"
	router1 = "router-1"
	router2 = "router-2"
	push1   = "push-1"
	push2   = "push-2"
)

// The sorts of members, which are the beginnings of their names.
const (
	sortNATS   = "nats"
	sortEdge   = "edge"
	sortRouter = "router"
	sortPush   = "push"
)

func allMembers() []string {
	return []string{nats1, nats2, nats3, edge1, edge2, router1, router2, push1, push2}
}

func sortOf(member string) string {
	sort, _, _ := strings.Cut(member, "-")
	return sort
}

// membersOf are those of a sort, in order.
func membersOf(sort string) (names []string) {
	for _, m := range allMembers() {
		if sortOf(m) == sort {
			names = append(names, m)
		}
	}
	return names
}
