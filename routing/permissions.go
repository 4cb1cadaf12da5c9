package routing

import (
	"fmt"

	"github.com/hawser-edge/hawser/gateway/wire"
)

// Role is a part of hawser, or a neighbour of it, with NATS credentials.
type Role string

// The roles.
const (
	RoleEdge    Role = "edge"
	RoleRouter  Role = "router"
	RolePush    Role = "push"
	RoleBackend Role = "backend"
	// RoleMonitor watches the NATS servers: it reads, and changes nothing.
	RoleMonitor Role = "monitor"
	// RoleOperator looks after the streams with the nats command. It may do
	// everything on JetStream: the strongest user, for people and not for
	// machines.
	RoleOperator Role = "operator"
)

// User is a NATS user: what it is called, how it proves it, what it may do.
type User struct {
	Role Role
	// Label is the edge's, router's or push worker's name, a backend's tenant,
	// or the name of who monitors or operates.
	Label string
	// Tenants are those that an edge serves: it may call the services of no
	// others. None: all.
	Tenants []string
	// Password is the user's secret. It may be a bcrypt hash where it is
	// only given to a server.
	Password string
}

// Permissions are the subjects that a user may publish and subscribe to.
// What is not listed is refused.
type Permissions struct {
	Publish   []string
	Subscribe []string
}

// UserName is the name of a role's NATS user, such as "edge-hk1".
func UserName(role Role, label string) string { return string(role) + "-" + label }

// InboxPrefix is the prefix of the reply subjects that a role's NATS user may
// subscribe to, such as "_INBOX.edge.hk1". Clients must be told it: with
// nats.CustomInboxPrefix in Go, with --inbox-prefix for the nats command.
func InboxPrefix(role Role, label string) string {
	return prefixReply + string(role) + "." + label
}

// Name is the user's name.
func (u User) Name() string { return UserName(u.Role, u.Label) }

// CheckName reports what is wrong with a user, its password aside.
func (u User) CheckName() error {
	switch u.Role {
	case RoleEdge, RoleRouter, RolePush, RoleBackend, RoleMonitor, RoleOperator:
	default:
		return fmt.Errorf("role %.40q must be edge, router, push, backend, monitor or operator", u.Role)
	}
	for _, t := range u.Tenants {
		if err := wire.CheckID("tenant", t); err != nil {
			return fmt.Errorf("NATS user %s: %w", u.Name(), err)
		}
	}
	return wire.CheckID(string(u.Role), u.Label)
}

// Check reports what is wrong with a user.
func (u User) Check() error {
	if err := u.CheckName(); err != nil {
		return err
	}
	if u.Password == "" {
		return fmt.Errorf("NATS user %s has no password", u.Name())
	}
	return nil
}

// Permissions returns what the user may do.
func (u User) Permissions() Permissions {
	switch u.Role {
	case RoleEdge:
		return edgePermissions(u.Label, u.Tenants)
	case RoleRouter:
		return routerPermissions(u.Label)
	case RolePush:
		return pushPermissions(u.Label)
	case RoleBackend:
		return backendPermissions(u.Label)
	case RoleMonitor:
		return monitorPermissions(u.Label)
	case RoleOperator:
		return operatorPermissions(u.Label)
	default:
		return Permissions{}
	}
}

// An edge stands in the open and has no JetStream at all. It speaks for
// itself only: its name is in every subject that it may publish to, except
// for upstream requests. Those, and the requests to store or remove a device's
// record, carry the device's own token.
func edgePermissions(edge string, tenants []string) Permissions {
	p := Permissions{
		Publish: []string{
			SessionsSubject(edge), AnswerSubject("*", edge), DumpSubject("*", edge),
			HeadsSubject(edge), DeviceSubject(edge), CellsSubject(edge),
			AtRouter("*", HeadsSubject(edge)), AtRouter("*", DeviceSubject(edge)), AtRouter("*", CellsSubject(edge)),
		},
		Subscribe: []string{
			NotifySubject(edge), EchoSubject(edge), DumpRequestSubject(edge), BeatsAll,
			InboxPrefix(RoleEdge, edge) + ".>",
		},
	}
	if len(tenants) == 0 {
		tenants = []string{"*"}
	}
	for _, t := range tenants {
		p.Publish = append(p.Publish, UpstreamSubject(t, "*", "*"), SyncSubject(t, "*"), AtRouter("*", SyncSubject(t, "*")))
	}
	return p
}

// A router owns the streams. Of devices' calls it takes those that go on over
// HTTP: which services that are is the configuration's matter.
func routerPermissions(router string) Permissions {
	p := Permissions{
		Publish: []string{
			InboxAll, PushAll, PushLaterAll, EventsAll, "$KV." + BucketDevices + ".>", "$KV." + BucketCells + ".>",
			BeatSubject(router), PresenceSubject(router), PresenceReply("*", "*"), NotifySubject("*"), EchoSubject("*"), DumpRequestSubject("*"),
			InboxPrefix(RoleEdge, "*") + ".>", InboxPrefix(RolePush, "*") + ".>", repliesAcross,
			"$JS.API.INFO", jsNext(StreamInbox, ConsumerRouters),
			jsAck(StreamInbox, ConsumerRouters), jsNext(StreamEvents, "*"), jsAck(StreamEvents, "*"), "$JS.FC." + StreamDevices + ".>", "$JS.FC." + StreamCells + ".>",
			"$JS.API.CONSUMER.DELETE." + StreamDevices + ".*", "$JS.API.CONSUMER.DELETE." + StreamCells + ".*",
			jsStepDown(StreamInbox, ConsumerRouters), jsStepDown(StreamPush, ConsumerPush), jsStepDown(StreamPush, ConsumerPushLater),
		},
		Subscribe: []string{
			SessionsAll, BeatsAll, AnswersTo(router), DumpsTo(router), PresenceReply(router, "*"),
			HeadsAll, DeviceAll, CellsAll, CheckAll, PresenceAll, PublishAll, APIAll, UpstreamSubject("*", "*", "*"), SyncAll,
			AtRouter(router, HeadsAll), AtRouter(router, DeviceAll), AtRouter(router, CellsAll), AtRouter(router, SyncAll),
			InboxPrefix(RoleRouter, router) + ".>",
		},
	}
	for _, s := range []string{StreamInbox, StreamPush, StreamPushDead, StreamEvents, StreamDevices, StreamCells} {
		p.Publish = append(p.Publish,
			"$JS.API.STREAM.CREATE."+s, "$JS.API.STREAM.UPDATE."+s, "$JS.API.STREAM.INFO."+s,
			removal(s), "$JS.API.STREAM.MSG.GET."+s,
			"$JS.API.DIRECT.GET."+s, "$JS.API.DIRECT.GET."+s+".>",
			"$JS.API.CONSUMER.CREATE."+s+".>", "$JS.API.CONSUMER.INFO."+s+".*")
	}
	return p
}

// removal is how routers remove messages of a stream: of the log one by one.
func removal(stream string) string {
	if stream == StreamInbox {
		return "$JS.API.STREAM.MSG.DELETE." + stream
	}
	return "$JS.API.STREAM.PURGE." + stream
}

// A push worker consumes jobs, reads heads and records, and drops tokens that
// a provider rejects. It creates nothing. Workers pass jobs on to one another.
func pushPermissions(push string) Permissions {
	p := Permissions{
		Publish: []string{
			CheckSubject(push), PushAll, PushLaterAll, PushDeadAll, EventsAll, "$KV." + BucketDevices + ".>",
			PushBeatSubject(push), PassSubject("*"), PassedReply("*", "*"),
			jsNext(StreamPush, ConsumerPush), jsAck(StreamPush, ConsumerPush),
			jsNext(StreamPush, ConsumerPushLater), jsAck(StreamPush, ConsumerPushLater),
			"$JS.API.STREAM.PURGE." + StreamPush, "$JS.API.CONSUMER.INFO." + StreamPush + "." + ConsumerPush,
			"$JS.API.CONSUMER.INFO." + StreamPush + "." + ConsumerPushLater,
			"$JS.API.STREAM.MSG.DELETE." + StreamPushDead,
		},
		Subscribe: []string{
			PushBeatsAll, PassSubject(push), PassedReply(push, "*"), InboxPrefix(RolePush, push) + ".>",
		},
	}
	for _, s := range []string{StreamInbox, StreamPush, StreamPushDead, StreamDevices} {
		p.Publish = append(p.Publish, "$JS.API.STREAM.INFO."+s, "$JS.API.STREAM.MSG.GET."+s,
			"$JS.API.DIRECT.GET."+s, "$JS.API.DIRECT.GET."+s+".>")
	}
	return p
}

// A backend speaks for its tenant only, in an account of the tenant's own: of
// what hawser is made of it sees nothing. It has no JetStream: the name of a
// stream in a subject says nothing about whose messages a request reads, and
// whoever may pull from a consumer names the subject that it delivers to.
//
// Inboxes and the discovery of nats micro need no narrower names, because
// nobody else is in the account.
func backendPermissions(tenant string) Permissions {
	p := Permissions{
		// Its answers to devices' calls, UpstreamReplies, are among these.
		Publish: []string{prefixReply + ">", "$SRV.>"},
		Subscribe: []string{
			UpstreamSubject(tenant, "*", "*"), EventsOf(tenant), prefixReply + ">", "$SRV.>",
		},
	}
	p.Publish = append(p.Publish, TenantDoors(tenant)...)
	return p
}

// TenantDoors are the subjects, with wildcards, at which hawser answers a
// tenant's backends.
func TenantDoors(tenant string) []string {
	return []string{PublishSubject(tenant, "*", "*"), APISubject(tenant, "*")}
}

// UpstreamReplies are the subjects, with wildcards, at which edges hear the
// answers of a tenant's services: a relay names none but them.
func UpstreamReplies(tenant string) string {
	return InboxPrefix(RoleEdge, "*") + ".up." + tenant + ".>"
}

// A monitor asks the servers how they are, and hears of those that come and
// go, in the system account.
func monitorPermissions(name string) Permissions {
	p := Permissions{Subscribe: []string{
		InboxPrefix(RoleMonitor, name) + ".>",
		"$SYS.ACCOUNT.*.CONNECT", "$SYS.ACCOUNT.*.DISCONNECT", "$SYS.SERVER.*.CLIENT.AUTH.ERR", "$SYS.SERVER.*.STATSZ",
	}}
	p.Publish = []string{"$SYS.REQ.SERVER.PING"}
	for _, what := range []string{"STATSZ", "VARZ", "CONNZ", "ROUTEZ", "LEAFZ", "JSZ", "HEALTHZ", "ACCOUNTZ"} {
		p.Publish = append(p.Publish, "$SYS.REQ.SERVER.PING."+what, "$SYS.REQ.SERVER.*."+what)
	}
	return p
}

func operatorPermissions(name string) Permissions {
	return Permissions{
		Publish:   []string{"$JS.API.>"},
		Subscribe: []string{InboxPrefix(RoleOperator, name) + ".>", "$JS.EVENT.ADVISORY.>"},
	}
}

func jsNext(stream, consumer string) string {
	return "$JS.API.CONSUMER.MSG.NEXT." + stream + "." + consumer
}

// jsStepDown has a consumer that stands still led by another server.
func jsStepDown(stream, consumer string) string {
	return "$JS.API.CONSUMER.LEADER.STEPDOWN." + stream + "." + consumer
}

func jsAck(stream, consumer string) string {
	return "$JS.ACK." + stream + "." + consumer + ".>"
}
