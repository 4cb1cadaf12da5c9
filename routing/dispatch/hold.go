package dispatch

import "time"

// hold keeps the open messages alive in the log.
type hold struct {
	// Static after construction.
	every time.Duration

	// queue is ordered by aliveAt: each message waits the same time, from
	// its arrival and from each sign of life.
	queue []*held
	open  int
}

func (q *hold) add(h *held, now time.Time) {
	q.open++
	h.aliveAt = now
	q.queue = append(q.queue, h)
}

func (q *hold) drop(h *held) {
	h.done = true
	q.open--
}

// progress tells the log of the messages that have waited for long enough.
func (q *hold) progress(now time.Time, tell func(receipt any)) {
	n := 0
	for ; n < len(q.queue); n++ {
		h := q.queue[n]
		if h.done {
			continue
		}
		if now.Sub(h.aliveAt) < q.every {
			break
		}
		h.aliveAt = now
		tell(h.Receipt)
		q.queue = append(q.queue, h)
	}
	clear(q.queue[:n])
	q.queue = q.queue[n:]
}
