package router

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing/devices"
	"github.com/hawser-edge/hawser/routing/events"
	"github.com/hawser-edge/hawser/routing/inbox"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/table"
)

// Requests wait in queues of these sizes for as many workers. Beyond that
// they are dropped and counted; who asks asks again.
const (
	headsQueue    = 1024
	headsWorkers  = 16
	deviceQueue   = 4096
	deviceWorkers = 32
	// presenceWorkers only hand on to the loop.
	presenceWorkers = 4

	// maxHeadsUsers bounds the users of one request for heads.
	maxHeadsUsers = 1024
	// requestTimeout bounds the work on a request: nobody waits longer.
	requestTimeout = 2 * time.Second
)

// serveRequests starts the workers that answer edges.
func (r *Router) serveRequests(ctx context.Context, wg *sync.WaitGroup) {
	for range headsWorkers {
		wg.Go(func() { work(ctx, r.heads, r.serveHeads) })
	}
	for range presenceWorkers {
		wg.Go(func() { work(ctx, r.asked, r.servePresence) })
	}
	s := &deviceServer{r: r, events: events.New(r.cfg.JS, "/hawser/router/"+r.cfg.Name)}
	for range deviceWorkers {
		wg.Go(func() { work(ctx, r.devices, s.serve) })
	}
}

func work(ctx context.Context, queue chan *nats.Msg, serve func(context.Context, *nats.Msg)) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-queue:
			bounded, cancel := context.WithTimeout(ctx, requestTimeout)
			serve(bounded, m)
			cancel()
		}
	}
}

func (r *Router) serveHeads(ctx context.Context, m *nats.Msg) {
	var req linkpb.HeadsRequest
	if err := proto.Unmarshal(m.Data, &req); err != nil {
		r.metrics.malformed.WithLabelValues(malformedRequest).Inc()
		return
	}
	users, err := usersOf(&req)
	if err == nil {
		err = r.mayAsk(m.Subject, users)
	}
	if err != nil {
		r.metrics.malformed.WithLabelValues(malformedRequest).Inc()
		r.respond(m, &linkpb.HeadsResponse{Error: err.Error()})
		return
	}
	// Read before the log is asked: whatever this router settled without the
	// device must be in the answer.
	minimum := r.dispatched.Load()
	heads, err := r.reader.Heads(ctx, users, minimum)
	if err != nil {
		r.metrics.retries.WithLabelValues(retryHeads).Inc()
		r.respond(m, &linkpb.HeadsResponse{Error: err.Error()})
		return
	}
	resp := headsResponse(heads)
	for i, u := range req.GetUsers() {
		if i < len(resp.GetUsers()) {
			resp.Users[i].Cutoff = r.cutoffs.of(table.ID(u.GetTenant(), u.GetUser(), u.GetDevice()))
		}
	}
	r.respond(m, resp)
}

func usersOf(req *linkpb.HeadsRequest) ([]inbox.User, error) {
	if len(req.GetUsers()) > maxHeadsUsers {
		return nil, errors.New("too many users in one request for heads")
	}
	users := make([]inbox.User, 0, len(req.GetUsers()))
	for _, u := range req.GetUsers() {
		if err := errors.Join(wire.CheckID("tenant", u.GetTenant()), wire.CheckID("user", u.GetUser())); err != nil {
			return nil, err
		}
		users = append(users, inbox.User{Tenant: u.GetTenant(), User: u.GetUser()})
	}
	return users, nil
}

func headsResponse(heads [][]inbox.Head) *linkpb.HeadsResponse {
	resp := &linkpb.HeadsResponse{}
	for _, user := range heads {
		h := &linkpb.Heads{}
		for _, k := range user {
			h.Heads = append(h.Heads, &linkpb.Head{Kind: k.Kind, Version: k.Version})
		}
		resp.Users = append(resp.Users, h)
	}
	return resp
}

// deviceServer stores and removes device records.
type deviceServer struct {
	// Static after construction.
	r      *Router
	events *events.Publisher

	mu sync.Mutex
	// Guarded by mu. Opened by the first request that needs it.
	store *devices.Store
}

func (s *deviceServer) serve(ctx context.Context, m *nats.Msg) {
	var req linkpb.DeviceRequest
	if err := proto.Unmarshal(m.Data, &req); err != nil {
		s.r.metrics.malformed.WithLabelValues(malformedRequest).Inc()
		return
	}
	resp := &linkpb.DeviceResponse{}
	if err := s.do(ctx, &req); err != nil {
		resp.Error = err.Error()
		s.r.metrics.retries.WithLabelValues(retryDevice).Inc()
		s.r.cfg.Log.Warn("device record was not written", "tenant", req.GetTenant(), "user", req.GetUser(), "device", req.GetDevice(), "error", err)
	}
	s.r.respond(m, resp)
}

func (s *deviceServer) do(ctx context.Context, req *linkpb.DeviceRequest) error {
	store, err := s.open(ctx)
	if err != nil {
		return err
	}
	id := devices.ID{Tenant: req.GetTenant(), User: req.GetUser(), Device: req.GetDevice()}
	issued, err := s.verify(id, req.GetToken())
	if err != nil {
		return err
	}
	if req.GetRemove() {
		return store.Remove(ctx, id)
	}
	// A registration that is older than what is stored changes nothing, and
	// there is nothing to repeat: that is success.
	outcome, err := store.Put(ctx, id, req.GetRecord())
	if outcome != devices.Stored || err != nil {
		return err
	}
	if err := stillIts(ctx, store, id, issued); err != nil {
		return err
	}
	s.tell(ctx, id, req.GetRecord())
	return nil
}

// stillIts takes a record back that was stored beside its device's removal.
// Who removes writes the cutoff first and then looks for records, and this
// looks for the cutoff after the record is written: one of the two sees the
// other.
func stillIts(ctx context.Context, store *devices.Store, id devices.ID, issued time.Time) error {
	c, err := store.Cutoff(ctx, id)
	if err != nil {
		return err
	}
	over := tokenOver(c, issued)
	if over != nil {
		if err := store.Remove(ctx, id); err != nil {
			return err
		}
	}
	return over
}

// errNotTheDevice: whoever sends pushes elsewhere reads what they show, so
// that the device itself must have asked, and not only an edge for it.
var errNotTheDevice = errors.New("the request does not carry a valid token of the device")

func (s *deviceServer) verify(id devices.ID, token string) (issued time.Time, err error) {
	if s.r.cfg.Verifier == nil {
		return time.Now(), nil
	}
	tenant, user, device, issued, err := s.r.cfg.Verifier.Verify(token)
	if err != nil {
		return issued, fmt.Errorf("%w: %w", errNotTheDevice, err)
	}
	if (devices.ID{Tenant: tenant, User: user, Device: device}) != id {
		return issued, errNotTheDevice
	}
	return issued, s.r.TokenOver(tenant, user, device, issued)
}

// tell tells the backend of a registration. The registration itself is done:
// a backend that misses the event finds the device when it publishes.
func (s *deviceServer) tell(ctx context.Context, id devices.ID, rec *linkpb.DeviceRecord) {
	err := s.events.DeviceRegistered(ctx, id.Tenant, id.User, id.Device, rec.GetPlatform(), rec.GetApp())
	if err != nil {
		s.r.metrics.retries.WithLabelValues(retryEvent).Inc()
		s.r.cfg.Log.Warn("the backend was not told of a registered device", "device", id.String(), "error", err)
	}
}

func (s *deviceServer) open(ctx context.Context) (*devices.Store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.store == nil {
		store, err := devices.Open(ctx, s.r.cfg.JS)
		if err != nil {
			return nil, err
		}
		s.store = store
	}
	return s.store, nil
}
