package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
)

const (
	// maxRequests bounds the requests of a connection without an answer,
	// whatever the edge allows.
	maxRequests = 32
	// maxWireTime is the longest time that a frame can say.
	maxWireTime = 7 * 24 * time.Hour
)

// Request calls a method of the backend and returns its answer. It waits for a
// connection if there is none, and for its turn if too many requests are under
// way. The error is a *RequestError where the backend or the edge answered with
// another status than OK, matches ErrConnectionLost where no answer came and
// it is not known whether the call took effect, and the context's otherwise.
// body, at most wire.MaxBody bytes, must not change until Request returns.
func (c *Client) Request(ctx context.Context, service, method string, body []byte) ([]byte, error) {
	if err := checkRequest(service, method, body); err != nil {
		return nil, err
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.cfg.RequestTimeout)
		defer cancel()
	}
	l, err := c.waitLink(ctx)
	if err != nil {
		return nil, err
	}
	return l.request(ctx, service, method, body)
}

func checkRequest(service, method string, body []byte) error {
	if err := errors.Join(wire.CheckID("service", service), wire.CheckID("method", method)); err != nil {
		return fmt.Errorf("client: %w", err)
	}
	if len(body) > wire.MaxBody {
		return fmt.Errorf("client: the request's body has %d bytes, at most %d are allowed", len(body), wire.MaxBody)
	}
	return nil
}

// fits checks the edge's own limit, which may be below that of the wire.
func (l *link) fits(f *wire.Request) error {
	limit := l.welcome.GetLimits().GetMaxFrameBytes()
	if size := len(wire.Append(nil, f)); limit > 0 && int64(size) > limit {
		return fmt.Errorf("client: the request has %d bytes, this edge takes %d", size, limit)
	}
	return nil
}

// request needs a context with a deadline.
func (l *link) request(ctx context.Context, service, method string, body []byte) ([]byte, error) {
	if err := l.requests.acquire(ctx, l.done); err != nil {
		return nil, err
	}
	defer l.requests.release()
	id, answer := l.requests.begin()
	defer l.requests.forget(id)
	deadline, _ := ctx.Deadline()
	f := &wire.Request{ID: id, Timeout: wireTimeout(time.Until(deadline)), Service: service, Method: method, Body: body}
	if err := l.fits(f); err != nil {
		return nil, err
	}
	if err := l.send(f); err != nil {
		return nil, err
	}
	select {
	case r := <-answer:
		if r.Status != wire.StatusOK {
			return nil, &RequestError{Status: r.Status, Message: r.Message}
		}
		return r.Body, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.done:
		return nil, ErrConnectionLost
	}
}

// wireTimeout is never 0, which would mean the edge's default.
func wireTimeout(d time.Duration) time.Duration {
	return min(max(d, time.Millisecond), maxWireTime)
}

// requests are those of one connection that wait for their answer.
type requests struct {
	slots chan struct{} // never closed; a token for each request under way

	mu      sync.Mutex
	last    uint64                         // Guarded by mu.
	waiting map[uint64]chan *wire.Response // Guarded by mu; each takes one answer.
}

func newRequests(limit int64) *requests {
	if limit <= 0 || limit > maxRequests {
		limit = maxRequests
	}
	return &requests{slots: make(chan struct{}, limit), waiting: map[uint64]chan *wire.Response{}}
}

func (r *requests) acquire(ctx context.Context, done <-chan struct{}) error {
	select {
	case r.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-done:
		return ErrConnectionLost
	}
}

func (r *requests) release() { <-r.slots }

// drain waits until nothing is under way and lets nothing begin any more.
func (r *requests) drain(ctx context.Context, done <-chan struct{}) {
	for range cap(r.slots) {
		if r.acquire(ctx, done) != nil {
			return
		}
	}
}

func (r *requests) begin() (uint64, <-chan *wire.Response) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	answer := make(chan *wire.Response, 1)
	r.waiting[r.last] = answer
	return r.last, answer
}

func (r *requests) forget(id uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.waiting, id)
}

// answer passes a response on. One that nobody waits for any more, or that
// nobody ever asked for, is dropped.
func (r *requests) answer(f *wire.Response) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if answer, ok := r.waiting[f.ID]; ok {
		delete(r.waiting, f.ID)
		answer <- f
	}
}
