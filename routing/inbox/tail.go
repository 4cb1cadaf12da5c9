package inbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
)

const (
	// tailMessages and tailBytes bound what a tail remembers: a few tens of
	// seconds of a busy log.
	tailMessages = 1 << 17
	tailBytes    = 32 << 20
	// tailBatch is how many messages a question usually brings at most, and
	// tailMost how many one does that makes up for a time without questions.
	tailBatch, tailMost = 1024, 1 << 16
	// tailAnswer bounds the bodies of one answer.
	tailAnswer = 16 << 20
	// tailOverhead is about what a message takes beside its item.
	tailOverhead = 128
	// tailTries is how many connections are tried before those who wait are
	// sent to ask the log themselves, and tailPause the time between two of them
	// that answer.
	tailTries = 3
	tailPause = 10 * time.Millisecond
	// tailPatience bounds the first question, each after it has twice the time:
	// somewhat more than after what a connection is doubted. tailEach is what
	// each message may add to that.
	tailPatience = lostAfter + 50*time.Millisecond
	tailEach     = 50 * time.Microsecond
)

// A tail is the end of the log as a router remembers it, from which it answers
// devices that lack little: nearly all of them.
//
// To find what is new of one user a NATS server looks at every message that was
// stored since, whoever it is for: some milliseconds of its time at a thousand
// events a second, in which the log takes nothing in, for each sync of each
// device. To hand out all that is new, of all users, costs it less, and serves
// everybody who asks meanwhile.
//
// A tail is read only when somebody asks, and each who asks waits for a
// question that was put after he did: he sees what he would have seen in the
// log. Only answers that go up to the log's end are taken in. That is what
// shows that nothing is missing: of each user's kind the log keeps the newest
// routing.MinKeep at least, so that where one was pushed out before it was read
// so many newer ones of the same kind were read. And only answers that have what
// was read last: without it this is another log, or one that went back when NATS
// servers lost what they had not written to disk yet.
type tail struct {
	// Static after construction.
	r *Reader

	// turn is held by who asks the log.
	turn sync.Mutex

	mu sync.Mutex
	// Guarded by mu.
	tailed
	// next is the question that is put next; nil: nobody waits for one.
	next      *tailQuestion
	forgotten forgotten
}

// tailQuestion is put for all who wait for it.
type tailQuestion struct {
	done chan struct{}
	err  error // set before done is closed
}

func newTail(r *Reader) *tail {
	return &tail{r: r, tailed: newTailed(0)}
}

// since answers like Reader.Since; ok is false where the log has to be asked.
func (t *tail) since(ctx context.Context, u User, subject string, since uint64, l Limits) (p Page, ok bool) {
	if !t.reaches(u, since, l.MinSeq) {
		return Page{}, false
	}
	for range tailTries {
		if t.refresh(ctx, l.MinSeq) != nil {
			return Page{}, false
		}
		t.mu.Lock()
		stale := t.to < l.reach()
		if !stale && !t.forgotten.has(u, time.Now()) {
			p, ok = t.page(subject, since, l)
		}
		t.mu.Unlock()
		if !stale {
			break
		}
		t.r.metrics.stale.Inc() // the next one may be further
		if !sleep.For(ctx, tailPause) {
			break
		}
	}
	if ok {
		t.r.metrics.tailed.Inc()
	}
	return p, ok
}

// reaches reports whether the tail goes back to since. It begins at the newest
// sequence that is known where it does not know any yet.
func (t *tail) reaches(u User, since, floor uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.to == 0 {
		t.tailed = newTailed(floor)
	}
	return t.from > 0 && since >= t.from && !t.forgotten.has(u, time.Now())
}

// forget has the log asked for all of a user, for a while.
func (t *tail) forget(u User) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forgotten.add(u, time.Now())
}

// catchUp has a tail that has begun reach the log's end.
func (t *tail) catchUp(ctx context.Context) error {
	t.mu.Lock()
	begun := t.to > 0
	t.mu.Unlock()
	if !begun {
		return nil
	}
	return t.refresh(ctx, 0)
}

// refresh has the tail reach the log's end as it is after the call, or later.
// Who comes while a question is under way shares the next one.
func (t *tail) refresh(ctx context.Context, floor uint64) error {
	t.mu.Lock()
	q, first := t.next, false
	if q == nil {
		q, first = &tailQuestion{done: make(chan struct{})}, true
		t.next = q
	}
	t.mu.Unlock()
	if !first {
		select {
		case <-q.done:
			return q.err
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		}
	}
	// Not ended by ctx: it is for the others too, and takes some seconds at most.
	t.turn.Lock()
	defer t.turn.Unlock()
	t.mu.Lock()
	t.next = nil
	t.mu.Unlock()
	q.err = t.read(context.WithoutCancel(ctx), floor)
	close(q.done)
	return q.err
}

// read asks one connection after the other. It is for who has the turn.
func (t *tail) read(ctx context.Context, floor uint64) (err error) {
	patience := tailPatience
	for try := range tailTries {
		if try > 0 && errors.Is(err, errBehind) {
			sleep.For(ctx, tailPause)
		}
		if err = t.readOnce(ctx, floor, patience); err == nil {
			return nil
		}
		t.r.metrics.retries.Inc()
		patience *= 2
	}
	return err
}

func (t *tail) readOnce(ctx context.Context, floor uint64, patience time.Duration) error {
	t.mu.Lock()
	from := t.begin()
	t.mu.Unlock()
	b, whole, err := t.ask(ctx, from, tailBatch, patience)
	if err == nil && !whole {
		n := tailBatch + b.pending + b.pending/4 + tailBatch // and what is stored meanwhile
		if n <= tailMost {
			b, whole, err = t.ask(ctx, from, int(n), patience)
		}
	}
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	err = errOtherLog
	if whole {
		err = t.tailed.add(b.msgs, time.Now())
	}
	if errors.Is(err, errOtherLog) {
		t.tailed = newTailed(max(floor, b.last()))
		return nil
	}
	return err
}

// ask reads all messages from a sequence on. whole reports that these are all:
// the answer was not cut short.
func (t *tail) ask(ctx context.Context, from uint64, n int, patience time.Duration) (b batch, whole bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience+time.Duration(n)*tailEach)
	defer cancel()
	b, err = t.r.direct(ctx, getRequest{Seq: from, Batch: n, MaxBytes: tailAnswer}, n)
	size := 0
	for i := range b.msgs {
		size += b.msgs[i].size
	}
	return b, len(b.msgs) < n && size < tailAnswer, err
}
