package table

// maxTold bounds the connections named in one echo: the rest is told with
// the next, at the latest a second later.
const maxTold = 256

// Echo is what an edge is told of how far the table follows it.
type Echo struct {
	Incarnation int64
	// Seq is the last batch that was applied without a gap.
	Seq uint64
	// Superseded and Refused are connections to close. They are named in
	// every echo until the edge has ended them.
	Superseded, Refused []uint64
}

// Echo returns what to tell an edge. There is nothing to tell before the
// first dump, and while the table is behind: an echo promises that everything
// up to Seq is known.
func (t *Table) Echo(edge string) (Echo, bool) {
	sl := t.edges[edge]
	if sl == nil || !sl.synced || sl.behind {
		return Echo{}, false
	}
	e := Echo{Incarnation: sl.incarnation, Seq: sl.seq}
	for conn, why := range sl.marked {
		if len(e.Superseded)+len(e.Refused) == maxTold {
			break
		}
		if why == superseded {
			e.Superseded = append(e.Superseded, conn)
		} else {
			e.Refused = append(e.Refused, conn)
		}
	}
	return e, true
}
