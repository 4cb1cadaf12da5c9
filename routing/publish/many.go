package publish

import (
	"context"
	"fmt"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/hawser-edge/hawser/routing/hawserv1"
)

const (
	// MaxMany is the greatest number of events of one NotifyMany.
	MaxMany = 1000
	// manyWorkers is how many events of one call are stored at once: enough
	// to hide the log's latency, few enough to leave it to other callers.
	manyWorkers = 64
	// maxManyWait bounds a whole call. It is below what HTTPServer leaves for
	// an answer.
	maxManyWait = 25 * time.Second
)

// NotifyMany stores up to MaxMany events, each on its own. Only a request
// that is wrong as a whole is an *Error; otherwise each event has its result.
func (s *Service) NotifyMany(ctx context.Context, tenant string, req *hawserv1.NotifyManyRequest) (*hawserv1.NotifyManyResponse, error) {
	events, fault := manyEvents(req)
	if fault != nil {
		return nil, fault
	}
	ctx, cancel := context.WithTimeout(ctx, maxManyWait)
	defer cancel()
	results := make([]*hawserv1.NotifyResult, len(events))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(manyWorkers, len(events)) {
		wg.Go(func() {
			for i := range next {
				results[i] = s.oneOfMany(ctx, tenant, events[i])
			}
		})
	}
	for i := range events {
		next <- i // a worker is free soon: each event's time is bounded
	}
	close(next)
	wg.Wait()
	return &hawserv1.NotifyManyResponse{Results: results}, nil
}

// oneOfMany waits for a place where Publish would refuse: the call is
// bounded already.
func (s *Service) oneOfMany(ctx context.Context, tenant string, e *hawserv1.NotifyRequest) *hawserv1.NotifyResult {
	for _, places := range [...]chan struct{}{s.many, s.slots} {
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		case <-ctx.Done():
			return notTried(s)
		}
	}
	if ctx.Err() != nil {
		return notTried(s)
	}
	res, err := s.publish(ctx, tenant, requestOf(e))
	if err != nil {
		return &hawserv1.NotifyResult{Error: faultOf(AsError(err))}
	}
	return &hawserv1.NotifyResult{Version: res.Version, Duplicate: &res.Duplicate}
}

func notTried(s *Service) *hawserv1.NotifyResult {
	e := busy()
	_ = s.refused(e)
	return &hawserv1.NotifyResult{Error: faultOf(e)}
}

func faultOf(e *Error) *hawserv1.Fault {
	return &hawserv1.Fault{Code: e.Code.String(), Message: e.Message, RetryAfterMs: e.RetryAfter.Milliseconds()}
}

// manyEvents returns the events of a request, at least one.
func manyEvents(req *hawserv1.NotifyManyRequest) ([]*hawserv1.NotifyRequest, *Error) {
	list := len(req.GetEntries()) > 0
	one := len(req.GetUsers()) > 0 || req.GetEvent() != nil
	switch {
	case list && one:
		return nil, invalid("give users and event, or entries, not both")
	case !list && len(req.GetUsers()) == 0:
		return nil, invalid("no user is named: give users and event, or entries")
	case !list && req.GetEvent() == nil:
		return nil, invalid("event is missing: it is what each of users gets")
	case req.GetEvent().GetUser() != "":
		return nil, invalid("event.user is set: the users are named in users")
	}
	if n := max(len(req.GetEntries()), len(req.GetUsers())); n > MaxMany {
		return nil, invalid("%d events are in the call, at most %d are taken: make several calls", n, MaxMany)
	}
	if list {
		return req.GetEntries(), checkTwice(req.GetEntries())
	}
	events := make([]*hawserv1.NotifyRequest, len(req.GetUsers()))
	for i, user := range req.GetUsers() {
		events[i] = forUser(req.GetEvent(), user)
	}
	return events, checkTwice(events)
}

// forUser shares item and push with the event.
func forUser(e *hawserv1.NotifyRequest, user string) *hawserv1.NotifyRequest {
	return &hawserv1.NotifyRequest{User: user, Kind: e.GetKind(), Item: e.GetItem(), Id: e.GetId(),
		Version: e.GetVersion(), Urgency: e.GetUrgency(), Push: e.GetPush()}
}

// checkTwice refuses two events for one log: they are stored at the same
// time, in an order that nobody could know.
func checkTwice(events []*hawserv1.NotifyRequest) *Error {
	type log struct{ user, kind string }
	seen := make(map[log]int, len(events))
	for i, e := range events {
		key := log{e.GetUser(), e.GetKind()}
		if first, ok := seen[key]; ok {
			return invalid("events %d and %d are both of user %.64q and kind %.64q: a call has one for each, the next goes into the next call",
				first, i, e.GetUser(), e.GetKind())
		}
		seen[key] = i
	}
	return nil
}

// tooMany refuses calls above a bound of this process.
func tooMany(what string) *Error {
	return &Error{Code: connect.CodeUnavailable, RetryAfter: time.Second, result: resultBusy,
		Message: fmt.Sprintf("this router has too many calls of %s in work: repeat it after 1 s, or at another router", what)}
}
