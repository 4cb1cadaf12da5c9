package publish

import (
	"context"

	"connectrpc.com/connect"
	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
)

// takeCall takes a request to hawser.v1.api.<tenant>.<method>. Its body is the
// method's request as JSON, and so is the answer. It runs on the
// subscription's goroutine and does not block.
func (d *natsDoor) takeCall(ctx context.Context, m *nats.Msg) {
	tenant, name, err := routing.ParseAPI(m.Subject)
	if err != nil || !routing.SafeBackendReply(tenant, m.Reply) {
		d.s.metrics.unsafe.Inc()
		return
	}
	call := byName(name)
	if call == nil {
		d.fail(m, &Error{Code: connect.CodeUnimplemented, Message: "there is no method " + name + " here: its names are those of hawser.v1.Publisher, and Notify has subjects of its own"})
		return
	}
	if fault := d.s.enter(tenant, name); fault != nil {
		d.fail(m, fault)
		return
	}
	if name == readEvents.name {
		ctx = d.open
	}
	d.wg.Go(func() {
		defer d.s.leave(tenant, name)
		body, fault := call(ctx, d.s, tenant, m.Data)
		if fault != nil {
			d.fail(m, fault)
			return
		}
		d.respond(m, body)
	})
}
