package routing_test

import (
	"testing"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
)

// attack is what somebody with stolen credentials tries. Each attempt must be
// refused by the server, with an error that the client is told and that
// hawser counts as denied.
type attack struct {
	name               string
	publish, subscribe []string
}

const forgedAck = "$JS.ACK.INBOX.ROUTERS.1.1.1.1.0"

var (
	jetStreamAPI = attack{name: "JetStream API", publish: []string{
		"$JS.API.INFO", "$JS.API.STREAM.INFO.INBOX", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.CREATE.X", "$JS.API.STREAM.DELETE.INBOX",
		"$JS.API.STREAM.PURGE.INBOX", "$JS.API.STREAM.MSG.GET.INBOX", "$JS.API.STREAM.MSG.DELETE.INBOX", "$JS.API.STREAM.SNAPSHOT.INBOX",
		"$JS.API.CONSUMER.CREATE.INBOX.x", "$JS.API.CONSUMER.CREATE.EVENTS.x", "$JS.API.CONSUMER.MSG.NEXT.INBOX.ROUTERS", "$JS.API.CONSUMER.MSG.NEXT.PUSH.PUSH",
		"$JS.API.CONSUMER.DELETE.INBOX.ROUTERS", "$JS.FC.INBOX.x",
	}, subscribe: []string{"$JS.>", "$JS.API.>", "$JS.EVENT.ADVISORY.>"}}
	directGet = attack{name: "direct get", publish: []string{
		"$JS.API.DIRECT.GET.INBOX", "$JS.API.DIRECT.GET.KV_DEVICES", "$JS.API.DIRECT.GET.INBOX.inbox.1.globex.u1.messages",
		"$JS.API.DIRECT.GET.KV_DEVICES.$KV.DEVICES.d.acme.u1.d1", "$JS.API.DIRECT.GET.KV_CELLS",
	}}
	inboxPublish  = attack{name: "publishing inbox subjects", publish: []string{routing.InboxSubject("acme", "u1", "messages"), "inbox.1.acme.u1.messages"}, subscribe: []string{"inbox.>", "inbox.*.acme.u1.messages"}}
	pushPublish   = attack{name: "push jobs", publish: []string{"push.acme.u1.d1.messages"}, subscribe: []string{"push.>"}}
	settling      = attack{name: "settling events", publish: []string{forgedAck, "$JS.ACK.PUSH.PUSH.1.1.1.1.0"}}
	records       = attack{name: "device records", publish: []string{"$KV.DEVICES.d.acme.u1.d1", "$KV.DEVICES.t.x"}, subscribe: []string{"$KV.>"}}
	learned       = attack{name: "what was learned of networks", publish: []string{"$KV.CELLS.c.tcp.wifi.all", "$JS.API.STREAM.PURGE.KV_CELLS"}, subscribe: []string{"$KV.CELLS.>"}}
	system        = attack{name: "$SYS", publish: []string{"$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.PING.CONNZ", "$SYS.REQ.SERVER.X.RELOAD", "$SYS.REQ.SERVER.X.KICK", "$SYS.REQ.ACCOUNT.HAWSER.CONNZ"}, subscribe: []string{"$SYS.>", "$SYS.ACCOUNT.*.CONNECT"}}
	everything    = attack{name: "everything", publish: []string{"x"}, subscribe: []string{">", "*", "hw.>"}}
	wildInbox     = attack{name: "inbox wildcards", subscribe: []string{"_INBOX.>", "_INBOX.*.>", "_INBOX.edge.*.>", "_INBOX.edge.hk2.>", "_INBOX.router.r1.>", "_R_.>"}}
	events        = attack{name: "events for backends", publish: []string{"hawser.v1.events.acme.x"}}
	publications  = attack{name: "the doors of backends", publish: []string{"hawser.v1.pub.acme.u1.messages", "hawser.v1.api.acme.Disconnect"}, subscribe: []string{"hawser.v1.pub.>", "hawser.v1.pub.acme.*.*", "hawser.v1.api.>", "hawser.v1.api.*.*"}}
	services      = attack{name: "standing in for services", subscribe: []string{"hawser.v1.up.>", "hawser.v1.up.acme.orders.list"}}
	answeringSync = attack{name: "answering for the log", subscribe: []string{"hw.q.sync.*.*", "hw.q.sync.acme.messages"}}
	asRouter      = attack{name: "speaking as a router", publish: []string{"hw.b.r1", "hw.g.hk1.n", "hw.g.hk1.e", "hw.g.hk1.d", "hw.g.hk2.n", "hw.g.hk2.e", "hw.g.hk2.d"}}
	asEdge        = attack{name: "speaking as an edge", publish: []string{"hw.s.hk1", "hw.r.r1.a.hk1", "hw.r.r1.d.hk1", "hw.q.heads.hk1", "hw.q.device.hk1", "hw.q.cells.hk1", "hw.r.r1.q.cells.hk1"}}
	listening     = attack{name: "listening to edges", subscribe: []string{"hw.s.*", "hw.s.hk1", "hw.g.*.n", "hw.g.hk1.n", "hw.r.r1.a.*", "hw.q.heads.*", "hw.q.device.*", "hw.q.cells.*"}}
	replies       = attack{name: "answering others", publish: []string{"_INBOX.router.r1.x", "_INBOX.edge.hk2.x", "_INBOX.push.p1.x", "_INBOX.operator.alice.x"}}
	repliesAcross = attack{name: "answering other accounts", publish: []string{"_R_.abc.def"}}
	discovery     = attack{name: "the tenants' services", publish: []string{"$SRV.PING", "$SRV.INFO.orders"}, subscribe: []string{"$SRV.>"}}
)

var stolen = []struct {
	role    routing.Role
	label   string
	attacks []attack
}{
	{routing.RoleEdge, "hk1", []attack{
		jetStreamAPI, directGet, inboxPublish, pushPublish, settling, records, system, everything, wildInbox, events, publications,
		services, answeringSync, asRouter, replies, repliesAcross, discovery, learned,
		{name: "acknowledging for another edge", publish: []string{"hw.r.r1.a.hk2", "hw.r.r2.a.hk2"}},
		{name: "sessions of another edge", publish: []string{"hw.s.hk2", "hw.r.r1.d.hk2"}},
		{name: "heads and devices in another edge's name", publish: []string{"hw.q.heads.hk2", "hw.q.device.hk2"}},
		{name: "learning in another edge's name", publish: []string{"hw.q.cells.hk2", "hw.r.r1.q.cells.hk2", "hw.q.cells.*"}},
		{name: "another edge's delivery", subscribe: []string{"hw.g.hk2.n", "hw.g.hk2.e", "hw.g.hk2.d", "hw.g.*.n", "hw.g.*.*", "hw.g.>"}},
		{name: "what edges tell routers", subscribe: []string{"hw.s.*", "hw.s.hk1", "hw.r.>", "hw.r.r1.a.*", "hw.r.*.a.hk1", "hw.q.>"}},
		{name: "the push role's questions", publish: []string{"hw.q.check.p1"}},
		{name: "upstream replies to others", publish: []string{"_INBOX.edge.hk2.up.acme.x", "_INBOX.edge.hk1.up.acme.x", "_INBOX.backend.acme.x"}},
		{name: "events of tenants", subscribe: []string{"hawser.v1.events.>", "hawser.v1.events.acme.>"}},
	}},
	{routing.RoleEdge, "hk3", []attack{
		{name: "tenants that it does not serve", publish: []string{"hawser.v1.up.globex.orders.list", "hw.q.sync.globex.messages", "hw.q.sync.*.*"}},
	}},
	{routing.RoleBackend, "acme", []attack{
		jetStreamAPI, directGet, inboxPublish, pushPublish, settling, records, learned, system, everything, asRouter, asEdge, listening, answeringSync, events,
		{name: "another tenant's publications", publish: []string{"hawser.v1.pub.globex.u1.messages", "hawser.v1.pub.globex.*.*"}},
		{name: "another tenant's API", publish: []string{"hawser.v1.api.globex.Presence", "hawser.v1.api.globex.DeleteUser", "hawser.v1.api.globex.*"}},
		{name: "another tenant's services", publish: []string{"hawser.v1.up.globex.orders.list"},
			subscribe: []string{"hawser.v1.up.globex.*.*", "hawser.v1.up.*.orders.list", "hawser.v1.up.>", "hawser.v1.up.globex.sync.account"}},
		{name: "calling services as an edge", publish: []string{"hawser.v1.up.acme.orders.list", "hw.q.sync.acme.messages", "hw.q.sync.globex.messages"}},
		{name: "another tenant's events", subscribe: []string{"hawser.v1.events.>", "hawser.v1.events.*.>", "hawser.v1.events.globex.>"}},
		{name: "taking publications", subscribe: []string{"hawser.v1.pub.acme.*.*", "hawser.v1.pub.globex.*.*"}},
		{name: "everybody's replies", subscribe: []string{"_R_.>"}},
	}},
	{routing.RolePush, "p1", []attack{
		inboxPublish, system, everything, wildInbox, publications, services, answeringSync, asRouter, asEdge, listening, replies, repliesAcross, discovery, learned,
		{name: "making and changing streams", publish: []string{
			"$JS.API.STREAM.CREATE.X", "$JS.API.STREAM.CREATE.INBOX", "$JS.API.STREAM.UPDATE.INBOX", "$JS.API.STREAM.DELETE.INBOX",
			"$JS.API.STREAM.DELETE.PUSH", "$JS.API.STREAM.PURGE.INBOX", "$JS.API.STREAM.PURGE.KV_DEVICES", "$JS.API.STREAM.MSG.DELETE.INBOX",
			"$JS.API.STREAM.SNAPSHOT.INBOX", "$JS.API.CONSUMER.CREATE.INBOX.x", "$JS.API.CONSUMER.CREATE.PUSH.x", "$JS.API.CONSUMER.DELETE.PUSH.PUSH",
		}},
		{name: "taking events from routers", publish: []string{"$JS.API.CONSUMER.MSG.NEXT.INBOX.ROUTERS", forgedAck}},
		{name: "another worker's name", publish: []string{"hw.q.check.p2"}, subscribe: []string{"_INBOX.push.p2.>"}},
		{name: "upstream calls", publish: []string{"hawser.v1.up.acme.orders.list"}},
		{name: "events of tenants", subscribe: []string{"hawser.v1.events.>"}},
	}},
	{routing.RoleRouter, "r1", []attack{
		asEdge, system, discovery,
		{name: "destroying", publish: []string{
			"$JS.API.STREAM.DELETE.INBOX", "$JS.API.STREAM.DELETE.KV_DEVICES", "$JS.API.STREAM.CREATE.X", "$JS.API.STREAM.SNAPSHOT.INBOX",
			"$JS.API.STREAM.RESTORE.INBOX", "$JS.API.CONSUMER.DELETE.INBOX.ROUTERS", "$JS.API.STREAM.PURGE.INBOX", "$JS.API.ACCOUNT.PURGE.HAWSER",
		}},
		{name: "another router's name", publish: []string{"hw.b.r2", "_INBOX.router.r2.x"}, subscribe: []string{"hw.r.*.a.*", "hw.r.r2.a.*", "hw.r.r2.d.*", "_INBOX.router.r2.>"}},
		{name: "everybody's replies", subscribe: []string{"_INBOX.>", "_INBOX.edge.hk1.>", "_R_.>", ">", "hw.>"}},
		{name: "upstream calls", publish: []string{"hawser.v1.up.acme.orders.list"}},
		{name: "settling push jobs", publish: []string{"$JS.ACK.PUSH.PUSH.1.1.1.1.0", "$JS.API.CONSUMER.MSG.NEXT.PUSH.PUSH"}},
	}},
	{routing.RoleMonitor, "grafana", []attack{
		jetStreamAPI, directGet, inboxPublish, pushPublish, settling, records, everything, publications, services, asRouter, asEdge, listening, repliesAcross,
		{name: "changing servers", publish: []string{"$SYS.REQ.SERVER.X.RELOAD", "$SYS.REQ.SERVER.X.KICK", "$SYS.REQ.SERVER.X.LDM", "$SYS.REQ.SERVER.PING.PROFILEZ", "$SYS.REQ.SERVER.X.PROFILEZ"}},
		{name: "everything of the system", subscribe: []string{"$SYS.>", "_INBOX.>"}},
	}},
	{routing.RoleOperator, "alice", []attack{
		inboxPublish, pushPublish, settling, records, system, everything, wildInbox, publications, services, asRouter, asEdge, listening, replies, repliesAcross, events,
	}},
}

// TestStolenCredentials tries what each role must never do, on a server with
// the shipped accounts.
func TestStolenCredentials(t *testing.T) {
	s := natstest.Run(t, users()...)
	s.JetStream("r1", routing.StreamOptions{})
	for _, who := range stolen {
		t.Run(routing.UserName(who.role, who.label), func(t *testing.T) {
			for _, a := range who.attacks {
				t.Run(a.name, func(t *testing.T) {
					g := connect(t, s.URL(), who.role, who.label)
					for _, subject := range a.publish {
						if g.mayPublish(t, subject) {
							t.Errorf("may publish %s", subject)
						}
					}
					for _, subject := range a.subscribe {
						if g.maySubscribe(t, subject) {
							t.Errorf("may subscribe to %s", subject)
						}
					}
				})
			}
		})
	}
	for _, stream := range []string{routing.StreamInbox, routing.StreamPush, routing.StreamEvents, routing.StreamDevices} {
		in, err := jetStream(t, s, "r1").Stream(t.Context(), stream)
		if err != nil {
			t.Fatal(err)
		}
		if n := in.CachedInfo().State.Msgs; n != 0 {
			t.Errorf("%d forged messages are in %s", n, stream)
		}
	}
}
