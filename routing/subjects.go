package routing

// Every name that hawser uses on NATS. T, U, D, K, E, R and P stand for a
// tenant, user, device, kind, edge, router and push worker; each is one
// token of [A-Za-z0-9_-]{1,64}.
//
//	JetStream subject              stream    consumer  written by     read by
//	inbox.<partition>.T.U.K        INBOX     ROUTERS   router         router, push
//	push.T.U.D.K                   PUSH      PUSH      router         push
//	pushlater.T.U.D.K              PUSH      PUSHLATER router, push   push
//	pushdead.T.U.D.K               PUSHDEAD  -         push           push
//	hawser.v1.events.T.<type>      EVENTS    tenant-T  router, push   backends of T
//	$KV.DEVICES.d.T.U.D            DEVICES   -         router, push   router, push
//	$KV.DEVICES.c.T.U[.D]          DEVICES   -         router         router
//	$KV.DEVICES.t.<hash>           DEVICES   -         router, push   router, push
//	$KV.CELLS.c.<network>          CELLS     -         router         router
//
//	core subject                   body                from -> to
//	hw.s.E                         SessionBatch        edge -> every router
//	hw.b.R                         RouterBeat          router -> every edge
//	hw.g.E.n                       NotifyBatch         router -> edge
//	hw.g.E.e                       Echo                router -> edge
//	hw.g.E.d                       DumpRequest         router -> edge
//	hw.r.R.a.E                     AnswerBatch         edge -> router
//	hw.r.R.d.E                     SessionDump         edge -> router
//	hw.p.b.P                       PushBeat            push -> every push
//
//	requests, with a reply         body                asks -> answers
//	hw.q.heads.E                   HeadsRequest        edge -> one of "routers"
//	hw.q.device.E                  DeviceRequest       edge -> one of "routers"
//	hw.q.cells.E                   CellsRequest        edge -> one of "routers"
//	hw.q.check.P                   CheckRequest        push -> one of "routers"
//	hw.q.presence.R                PresenceQuery       router -> one of "routers", which replies to
//	hw.r.R.p.<id>                  PresenceResponse
//	hw.p.j.P                       PassedJob           push -> the push worker P, which replies to
//	hw.p.a.P.<id>                  PassedAnswer
//	hawser.v1.pub.T.U.K            the item            backend -> one of "publisher"
//	hawser.v1.api.T.<method>       JSON                backend -> one of "publisher"
//	hawser.v1.up.T.<service>.<m>   the device's bytes  edge -> the tenant's service
//	                                                   or, over HTTP, one of "services"
//	hw.q.sync.T.K                  SyncRequest         edge -> one of "sync"
//	hw.r.R.q.heads.E, .q.device.E,                     edge -> the router R
//	hw.r.R.q.cells.E, .q.sync.T.K
//
// A queue group is blind: it goes on giving a member questions that was stopped,
// or cut off, until NATS drops its connection. Edges hear the routers beat, and
// ask one that they heard just now by its name; the group is for when they know
// none.
//
// A responder answers only subjects that SafeReply accepts, the NATS door only
// those that SafePublishReply does: whoever asks names the reply subject, and
// must not make a router publish where it may not publish itself.
const (
	StreamInbox  = "INBOX"
	StreamPush   = "PUSH"
	StreamEvents = "EVENTS"
	// StreamPushDead keeps pushes that were given up.
	StreamPushDead = "PUSHDEAD"
	// BucketDevices is a key-value bucket; the stream under it is
	// StreamDevices.
	BucketDevices = "DEVICES"
	StreamDevices = "KV_" + BucketDevices
	// BucketCells holds what edges learned of networks.
	BucketCells = "CELLS"
	StreamCells = "KV_" + BucketCells

	ConsumerRouters = "ROUTERS"
	ConsumerPush    = "PUSH"
	// ConsumerPushLater hands out the jobs that are not to be pushed before a
	// time. It stands alone, so that whole applications of them take no place
	// from jobs that are due.
	ConsumerPushLater = "PUSHLATER"

	// Queue groups.
	QueueRouters   = "routers"
	QueuePublisher = "publisher"
	QueueSync      = "sync"
	QueueServices  = "services"

	// Partitions is the number of partitions of the inbox subjects. It is
	// part of every stored subject and can not be changed.
	Partitions = 64
)

// Subjects with wildcards, to subscribe or to bind streams to.
const (
	InboxAll      = "inbox.*.*.*.*"
	PushAll       = "push.*.*.*.*"
	PushLaterAll  = "pushlater.*.*.*.*"
	PushDeadAll   = "pushdead.*.*.*.*"
	EventsAll     = "hawser.v1.events.>"
	SessionsAll   = "hw.s.*"
	BeatsAll      = "hw.b.*"
	HeadsAll      = "hw.q.heads.*"
	DeviceAll     = "hw.q.device.*"
	CellsAll      = "hw.q.cells.*"
	SyncAll       = "hw.q.sync.*.*"
	CheckAll      = "hw.q.check.*"
	PresenceAll   = "hw.q.presence.*"
	PushBeatsAll  = "hw.p.b.*"
	PublishAll    = "hawser.v1.pub.*.*.*"
	APIAll        = "hawser.v1.api.*.*"
	DevicesAll    = "d.>"
	CutoffsAll    = "c.>"
	TokenOwnerAll = "t.*"
)

// Headers of messages. Names are as they are on the wire.
const (
	// HeaderMsgID is JetStream's own: "<tenant>.<user>.<kind>.<id>".
	HeaderMsgID = "Nats-Msg-Id"
	// HeaderVersion is the version of an event whose kind the backend
	// numbers, a decimal number.
	HeaderVersion = "Hawser-Version"
	// HeaderUrgency is 1 to 3 in the inbox log; the NATS door also takes
	// LOW, NORMAL and HIGH.
	HeaderUrgency = "Hawser-Urgency"
	// HeaderPush is a hawser.v1.Push as JSON.
	HeaderPush = "Hawser-Push"
	// HeaderID is a backend's idempotency key at the NATS door.
	HeaderID = "Hawser-Id"

	// Headers of upstream requests. A service must take the user from the
	// verified token; the other two are for logs and routing.
	HeaderToken      = "Hawser-Token"
	HeaderUser       = "Hawser-User"
	HeaderDevice     = "Hawser-Device"
	HeaderDeadlineMs = "Hawser-Deadline-Ms"
)

// ServiceSync is the upstream service that answers what a device has not seen
// of a kind: hawser itself for the kinds that it numbers, at SyncSubject, the
// backend for the others.
const ServiceSync = "sync"

const (
	prefixInbox    = "inbox."
	prefixPush     = "push."
	prefixLater    = "pushlater."
	prefixDead     = "pushdead."
	prefixEvents   = "hawser.v1.events."
	prefixPublish  = "hawser.v1.pub."
	prefixAPI      = "hawser.v1.api."
	prefixUpstream = "hawser.v1.up."
	prefixReply    = "_INBOX."
	prefixSync     = "hw.q.sync."
	prefixPassed   = "hw.p.a."
	// prefixCell begins keys of BucketCells.
	prefixCell = "c."
	// prefixAtRouter begins what is for one router, prefixInternal all that
	// hawser's parts say to one another without JetStream.
	prefixAtRouter = "hw.r."
	prefixInternal = "hw."
	// prefixAcross begins the replies that the server makes for requests from
	// one account to another.
	prefixAcross = "_R_."

	repliesAcross = prefixAcross + ">"
)
