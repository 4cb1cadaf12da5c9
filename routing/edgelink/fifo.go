package edgelink

// fifo is a queue in a slice. Its memory is that of its longest time, and
// freed when it runs empty.
type fifo[T any] struct {
	items []T
	head  int
}

func (q *fifo[T]) push(v T)  { q.items = append(q.items, v) }
func (q *fifo[T]) len() int  { return len(q.items) - q.head }
func (q *fifo[T]) front() *T { return &q.items[q.head] }

func (q *fifo[T]) pop() T {
	v := q.items[q.head]
	q.head++
	switch {
	case q.head == len(q.items):
		q.clear()
	case q.head > 1024 && q.head > len(q.items)/2:
		q.items = append(q.items[:0], q.items[q.head:]...)
		q.head = 0
	}
	return v
}

func (q *fifo[T]) clear() {
	q.items, q.head = q.items[:0], 0
	if cap(q.items) > 4096 {
		q.items = nil
	}
}
