package router

import "github.com/hawser-edge/hawser/routing/dispatch"

// jobBlock is how many jobs a block of a jobList holds, some 100 kB.
const jobBlock = 512

// jobList holds jobs in the order in which they came, in blocks: a hundred
// thousand may come within one step of the loop, and a slice that grows would
// copy them again and again meanwhile. The zero value is empty.
type jobList struct {
	blocks [][]dispatch.Job // none is empty
	count  int
}

func (q *jobList) add(j dispatch.Job) {
	last := len(q.blocks) - 1
	if last < 0 || len(q.blocks[last]) == cap(q.blocks[last]) {
		q.blocks = append(q.blocks, make([]dispatch.Job, 0, jobBlock))
		last++
	}
	q.blocks[last] = append(q.blocks[last], j)
	q.count++
}

// offer hands on jobs for as long as there is room.
func (q *jobList) offer(to chan<- dispatch.Job) {
	for q.count > 0 {
		first := q.blocks[0]
		select {
		case to <- first[0]:
		default:
			return
		}
		q.count--
		first[0] = dispatch.Job{} // its content is not kept for the others' sake
		if q.blocks[0] = first[1:]; len(first) == 1 {
			q.blocks[0] = nil
			q.blocks = q.blocks[1:]
		}
	}
}
