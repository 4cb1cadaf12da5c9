package client

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// fetchTimeout bounds one sync.
	fetchTimeout = 30 * time.Second
	retryBase    = time.Second
	retryCeiling = time.Minute
	// outageTries is how often a sync is tried at the pace of retryCeiling, for
	// some ten minutes; outageCeiling is the longest time between two tries
	// after that, about that between two beats. It is never given up: on a
	// connection that lives the edge says nothing twice, so that this is how
	// late a device may hear of what it was told during an outage.
	outageTries   = 15
	outageCeiling = 5 * time.Minute
)

// want has a kind fetched up to version.
func (c *Client) want(kind string, version int64, ahead bool) {
	start, ok := c.fetches.add(kind, version, ahead)
	if !ok {
		c.cfg.Log.Warn("too many kinds at once, notify dropped", "kind", kind)
	}
	if !start {
		return
	}
	c.mu.Lock()
	ctx := c.runCtx
	c.mu.Unlock()
	c.work.Go(func() { c.fetch(ctx, kind) })
}

// fetch is the worker of one kind. It ends when nothing is wanted any more.
func (c *Client) fetch(ctx context.Context, kind string) {
	var tries int
	for ctx.Err() == nil {
		own := c.versions.get(kind)
		w, ok := c.fetches.take(kind, own)
		if !ok {
			return
		}
		err := c.fetchPage(ctx, kind, w)
		now := c.versions.get(kind)
		switch {
		case err == nil && (now != own || now >= w.version):
			tries = 0
			continue
		case errors.Is(err, ErrConnectionLost):
			continue // fetchPage waits for the next connection
		case err == nil:
			err = errNoProgress
		}
		tries++
		c.cfg.Log.Warn("sync failed", "kind", kind, "try", tries, "error", err)
		if !restForNews(ctx, w.news, tries) {
			return
		}
	}
}

// restForNews waits before the next try of a sync. It reports false when ctx ends.
//
// News that comes meanwhile has it end as early as after one failure: whoever can
// tell of an event may answer again, and a device that was told during an outage
// would otherwise sleep for as long as that took. News from before says nothing.
func restForNews(ctx context.Context, news <-chan struct{}, tries int) bool {
	select {
	case <-news:
	default:
	}
	most := ceiling(tries, retryBase, retryCeiling)
	wait := most/2 + below(most/2)
	if tries > outageTries {
		wait = outageCeiling/2 + below(outageCeiling/2)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	case <-news:
	}
	soon := time.NewTimer(retryBase/2 + below(retryBase/2))
	defer soon.Stop()
	select {
	case <-timer.C:
	case <-soon.C:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// rest waits before the next try. It reports false when ctx or done ends.
func rest(ctx context.Context, done <-chan struct{}, tries int) bool {
	// Not less than half: a handler that just failed is not ready at once.
	most := ceiling(tries, retryBase, retryCeiling)
	timer := time.NewTimer(most/2 + below(most/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-done:
		return false
	case <-ctx.Done():
		return false
	}
}

// fetchPage asks for one page and has it handled, saved and acknowledged.
func (c *Client) fetchPage(ctx context.Context, kind string, w wanted) error {
	since := c.versions.get(kind)
	page, err := c.askPage(ctx, kind, since)
	if err != nil {
		return err
	}
	if page.version() != since || len(page.Items) > 0 {
		if err := c.deliver(ctx, page.event(kind, w)); err != nil {
			return err
		}
	}
	if page.ResetToHead {
		// What was wanted is above the head only by mistake.
		c.fetches.settle(kind, w.version, page.Head)
	}
	c.current().ack(kind, page.version())
	return nil
}

func (c *Client) askPage(ctx context.Context, kind string, since int64) (Page, error) {
	l, err := c.waitLink(ctx)
	if err != nil {
		return Page{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	body, err := l.request(ctx, "sync", kind, syncRequest(since))
	if err != nil {
		return Page{}, err
	}
	page, err := c.cfg.Decode(kind, body)
	if err != nil {
		return Page{}, fmt.Errorf("%w: %w", ErrBadAnswer, err)
	}
	return page, page.check(since)
}

func (p Page) event(kind string, w wanted) Event {
	return Event{
		Kind:           kind,
		Items:          p.Items,
		Version:        p.version(),
		SnapshotNeeded: p.SnapshotNeeded,
		ResetToHead:    p.ResetToHead,
		HeardAt:        w.heardAt,
	}
}

// deliver hands an event over until the application has taken it and the
// store has saved its version. It outlives connections.
func (c *Client) deliver(ctx context.Context, e Event) error {
	for tries := 1; ; tries++ {
		err := c.cfg.OnEvent(ctx, e)
		if err == nil {
			err = c.versions.set(e.Kind, e.Version)
		}
		if err == nil {
			return nil
		}
		c.cfg.Log.Warn("event not handled, will be handed over again", "kind", e.Kind, "version", e.Version, "try", tries, "error", err)
		if !rest(ctx, nil, tries) {
			return ctx.Err()
		}
	}
}
