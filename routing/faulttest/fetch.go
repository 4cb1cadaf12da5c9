package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

const (
	// fetchTimeout bounds one sync.
	fetchTimeout = 4 * time.Second
	// fetchRetry is the longest wait after one that failed; it doubles up to
	// maxFetchRetry. As the SDK's: devices that ask at once what they were
	// told to ask later are another thing to test.
	fetchRetry    = time.Second
	maxFetchRetry = time.Minute
	// fetchEvery is the least time between two syncs of a kind: an edge lets
	// a device ask 20 times a second.
	fetchEvery = 120 * time.Millisecond
)

// fetches are what a connected device without the SDK has and wants, by kind.
type fetches map[string]*fetching

// fetching is one kind.
type fetching struct {
	// has is the device's version, wants the greatest it heard of.
	has, wants int64
	// asked is the request under way; 0: none. tries is how many failed in a
	// row.
	asked uint64
	tries int
	// at is when that is given up, or when the next one may begin.
	at time.Time
}

func (f fetches) of(kind string) *fetching {
	if f[kind] == nil {
		f[kind] = &fetching{at: time.Now()}
	}
	return f[kind]
}

// versions are what the device says that it has.
func (f fetches) versions() (out []*wirepb.KindVersion) {
	for kind, k := range f {
		if k.has > 0 {
			out = append(out, &wirepb.KindVersion{Kind: kind, Version: k.has})
		}
	}
	return out
}

// reconnected forgets what was asked on another connection.
func (f fetches) reconnected() {
	for _, k := range f {
		k.asked, k.at = 0, time.Now()
	}
}

// failed plans the next sync after one that failed.
func (k *fetching) failed(now time.Time) {
	most := min(fetchRetry<<min(k.tries, 16), maxFetchRetry)
	k.tries++
	k.asked, k.at = 0, now.Add(most/2+rand.N(most/2))
}

// hearsNews has the wait after failures end as early as after one of them, as the
// SDK's does.
func (k *fetching) hearsNews(now time.Time) {
	if soon := now.Add(fetchRetry/2 + rand.N(fetchRetry/2)); k.asked == 0 && k.tries > 0 && soon.Before(k.at) {
		k.at = soon
	}
}

// vain notes a sync that failed and plans the next one.
func (r *raw) vain(kind string, k *fetching, now time.Time) {
	r.record(vainOf, arrival{kind: kind, version: k.wants, at: now})
	k.failed(now)
}

// due is when a sync begins or is given up next; zero: never.
func (f fetches) due() (at time.Time) {
	for _, k := range f {
		if (k.asked != 0 || k.wants > k.has) && (at.IsZero() || k.at.Before(at)) {
			at = k.at
		}
	}
	return at
}

// want has a kind fetched up to a version. What the device has it
// acknowledges again.
func (r *raw) want(l *rawLink, kind string, version int64) error {
	k := r.fetch.of(kind)
	k.wants = max(k.wants, version)
	k.hearsNews(time.Now())
	if version <= k.has {
		return l.Send(&wire.Ack{Kind: l.Kinds().Ref(kind), Version: k.has})
	}
	return r.fetchDue(l, time.Now())
}

// fetchDue begins the syncs that are due, and gives those up that took too long.
func (r *raw) fetchDue(l *rawLink, now time.Time) error {
	for kind, k := range r.fetch {
		if now.Before(k.at) || (k.asked == 0 && k.wants <= k.has) {
			continue
		}
		if k.asked != 0 {
			r.vain(kind, k, now)
			continue
		}
		body, err := proto.Marshal(&wirepb.SyncRequest{Since: k.has})
		if err != nil {
			return fmt.Errorf("word a sync: %w", err)
		}
		l.requests++
		k.asked, k.at = l.requests, now.Add(fetchTimeout)
		if err := l.Send(&wire.Request{ID: k.asked, Timeout: fetchTimeout, Service: "sync", Method: kind, Body: body}); err != nil {
			return err
		}
	}
	return nil
}

// fetched takes the answer of a sync.
func (r *raw) fetched(l *rawLink, f *wire.Response) error {
	for kind, k := range r.fetch {
		if k.asked != f.ID {
			continue
		}
		k.asked, k.at = 0, time.Now().Add(fetchEvery)
		if f.Status != wire.StatusOK {
			r.vain(kind, k, time.Now())
			return nil
		}
		var page wirepb.SyncResponse
		if err := proto.Unmarshal(f.Body, &page); err != nil {
			return fmt.Errorf("a sync's answer: %w", err)
		}
		k.tries = 0
		r.hand(kind, k, &page)
		if k.has == 0 {
			return nil // a router that knows of nothing yet: there is nothing to acknowledge
		}
		return l.Send(&wire.Ack{Kind: l.Kinds().Ref(kind), Version: k.has})
	}
	return nil // given up meanwhile
}

// hand gives a page to the application.
func (r *raw) hand(kind string, k *fetching, page *wirepb.SyncResponse) {
	now := time.Now()
	if page.GetResetToHead() {
		r.fleet.book.trouble("%s was told that %s went back to version %d", r.device, kind, page.GetHead())
	}
	head := page.GetHead()
	var items []arrival
	for _, item := range page.GetItems() {
		items = append(items, arrival{kind: kind, version: item.GetVersion(), key: string(item.GetData()), at: now})
	}
	if page.GetMore() && len(items) > 0 {
		head = items[len(items)-1].version
	}
	if page.GetSnapshotNeeded() {
		upTo := head
		if len(items) > 0 {
			upTo = items[0].version - 1
		}
		r.record(snapshotsOf, arrival{kind: kind, version: upTo, at: now})
	}
	r.record(handedTo, items...)
	k.has, k.wants = head, max(k.wants, page.GetHead())
	if page.GetMore() {
		k.at = now
	}
}
