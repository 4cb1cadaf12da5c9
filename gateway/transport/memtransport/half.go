package memtransport

import (
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// half is one direction of a connection.
type half struct {
	mu      sync.Mutex
	changed chan struct{} // Guarded by mu: closed and replaced at every change.

	// Guarded by mu.
	buf           []byte
	readDeadline  time.Time
	writeDeadline time.Time
	blockReads    bool
	blockWrites   bool
	vanished      bool
	readerClosed  bool
	writerClosed  bool
	readErr       error // for the reader once buf is empty: the writer's end closed
	writeErr      error // for the writer: the reader's end closed
}

func newHalf() *half { return &half{changed: make(chan struct{})} }

func (h *half) set(change func(*half)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(h)
	h.changedLocked()
}

func (h *half) changedLocked() {
	close(h.changed)
	h.changed = make(chan struct{})
}

func (h *half) setDeadline(deadline *time.Time, t time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	*deadline = t
	h.changedLocked()
	return nil
}

// closeWriter ends the direction behind what was written.
func (h *half) closeWriter(err error) {
	h.set(func(h *half) {
		h.writerClosed = true
		if !h.vanished && h.readErr == nil {
			h.readErr = err
		}
	})
}

func (h *half) closeReader(err error) {
	h.set(func(h *half) {
		h.readerClosed = true
		h.buf = nil
		if !h.vanished && h.writeErr == nil {
			h.writeErr = err
		}
	})
}

func (h *half) reset() {
	h.set(func(h *half) {
		h.buf = nil
		h.readErr, h.writeErr = syscall.ECONNRESET, syscall.ECONNRESET
	})
}

func (h *half) read(p []byte) (int, error) {
	for {
		n, again, err := h.tryRead(p)
		if again == nil {
			return n, err
		}
		again.wait()
	}
}

// tryRead returns what to wait for when there is nothing to return yet.
func (h *half) tryRead(p []byte) (int, *waiter, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.readerClosed:
		return 0, nil, net.ErrClosed
	case passed(h.readDeadline):
		return 0, nil, os.ErrDeadlineExceeded
	case h.blockReads || h.vanished:
	case len(h.buf) > 0:
		n := copy(p, h.buf)
		h.buf = h.buf[n:]
		h.changedLocked()
		return n, nil, nil
	case h.readErr != nil:
		return 0, nil, h.readErr
	}
	return 0, &waiter{changed: h.changed, deadline: h.readDeadline}, nil
}

func (h *half) write(p []byte) (int, error) {
	total := 0
	for {
		n, again, err := h.tryWrite(p[total:])
		total += n
		if err != nil || total == len(p) {
			return total, err
		}
		if again != nil {
			again.wait()
		}
	}
}

func (h *half) tryWrite(p []byte) (int, *waiter, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.writerClosed:
		return 0, nil, net.ErrClosed
	case h.writeErr != nil:
		return 0, nil, h.writeErr
	case passed(h.writeDeadline):
		return 0, nil, os.ErrDeadlineExceeded
	case h.blockWrites:
	case h.vanished:
		return len(p), nil, nil
	case len(h.buf) < Buffer:
		n := min(len(p), Buffer-len(h.buf))
		h.buf = append(h.buf, p[:n]...)
		h.changedLocked()
		return n, nil, nil
	}
	return 0, &waiter{changed: h.changed, deadline: h.writeDeadline}, nil
}

func passed(deadline time.Time) bool {
	return !deadline.IsZero() && !time.Now().Before(deadline)
}

// waiter waits for a change of a half or for a deadline.
type waiter struct {
	changed  <-chan struct{}
	deadline time.Time // zero: none
}

func (w *waiter) wait() {
	if w.deadline.IsZero() {
		<-w.changed
		return
	}
	timer := time.NewTimer(time.Until(w.deadline))
	defer timer.Stop()
	select {
	case <-w.changed:
	case <-timer.C:
	}
}
