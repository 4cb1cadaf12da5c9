package pushqueue_test

import (
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// What is due and finds no room is called back like what is held.
func TestAJobThatIsDueIsCalledBack(t *testing.T) {
	e := start(t)
	w := e.consume(pushqueue.ConsumeConfig{})
	e.put(job(1))
	recall := w.next().Postpone(time.Now().Add(time.Hour))
	w.none(300 * time.Millisecond)
	recall()
	w.next().Done()
	e.empty()
}
