package routing

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// The builders take names that were checked before: a name that is not one
// valid token would make another subject.

// Partition returns the partition of an inbox subject, 0 to Partitions-1:
// FNV-1a, 32 bits, over "tenant.user.kind". NATS' own partition() mapping
// gives the same number.
func Partition(tenant, user, kind string) int {
	const offset, prime = 2166136261, 16777619
	h := uint32(offset)
	for _, s := range [...]string{tenant, ".", user, ".", kind} {
		for i := range len(s) {
			h = (h ^ uint32(s[i])) * prime
		}
	}
	return int(h % Partitions)
}

// InboxSubject names the log of one user's kind.
func InboxSubject(tenant, user, kind string) string {
	p := strconv.Itoa(Partition(tenant, user, kind))
	return prefixInbox + p + "." + tenant + "." + user + "." + kind
}

// InboxOf is the wildcard of the logs of all kinds of a user.
func InboxOf(tenant, user string) string { return prefixInbox + "*." + tenant + "." + user + ".*" }

// PushSubject names the one waiting push job of a device and kind.
func PushSubject(tenant, user, device, kind string) string {
	return prefixPush + tenant + "." + user + "." + device + "." + kind
}

// PushLaterSubject is where that job stands while it must not be pushed yet.
func PushLaterSubject(tenant, user, device, kind string) string {
	return prefixLater + tenant + "." + user + "." + device + "." + kind
}

// PushDeadSubject names the newest push of a device and kind that was given up.
func PushDeadSubject(tenant, user, device, kind string) string {
	return prefixDead + tenant + "." + user + "." + device + "." + kind
}

// PushSlot is the wildcard of both, within their stream alone.
func PushSlot(tenant, user, device, kind string) string {
	return "*." + tenant + "." + user + "." + device + "." + kind
}

// EventSubject names a type of events for a tenant's backends; a type, such
// as token.rejected, may be of several tokens.
func EventSubject(tenant, typ string) string { return prefixEvents + tenant + "." + typ }

// EventsConsumer is the consumer by which a tenant's events are handed out.
func EventsConsumer(tenant string) string { return "tenant-" + tenant }

// EventsOf is the wildcard of all events of a tenant.
func EventsOf(tenant string) string { return prefixEvents + tenant + ".>" }

// DeviceKey is the key of a device's record in BucketDevices.
func DeviceKey(tenant, user, device string) string {
	return "d." + tenant + "." + user + "." + device
}

// CutoffKey is the key of what a backend ended, of a user or, with a device,
// of that one alone.
func CutoffKey(tenant, user, device string) string {
	if device == "" {
		return "c." + tenant + "." + user
	}
	return "c." + tenant + "." + user + "." + device
}

// TokenOwnerKey is the key under which BucketDevices tells whose device of a
// tenant owns a push token. The token itself does not appear in it. Tenants
// are kept apart: one that learned a token of another's device must not be
// able to take it from there by registering it.
func TokenOwnerKey(tenant, app, pushToken string) string {
	sum := sha256.Sum256([]byte(tenant + "\x00" + app + "\x00" + pushToken))
	return "t." + hex.EncodeToString(sum[:])
}

// SessionsSubject carries an edge's session batches and beats.
func SessionsSubject(edge string) string { return "hw.s." + edge }

// BeatSubject carries a router's beats.
func BeatSubject(router string) string { return "hw.b." + router }

// NotifySubject carries notifies to an edge.
func NotifySubject(edge string) string { return "hw.g." + edge + ".n" }

// EchoSubject carries routers' echoes to an edge.
func EchoSubject(edge string) string { return "hw.g." + edge + ".e" }

// DumpRequestSubject carries routers' requests for a dump to an edge.
func DumpRequestSubject(edge string) string { return "hw.g." + edge + ".d" }

// AnswerSubject carries an edge's answers to notifies to a router.
func AnswerSubject(router, edge string) string { return "hw.r." + router + ".a." + edge }

// AnswersTo is the wildcard of all answers to a router.
func AnswersTo(router string) string { return AnswerSubject(router, "*") }

// DumpSubject carries an edge's dump to a router.
func DumpSubject(router, edge string) string { return "hw.r." + router + ".d." + edge }

// DumpsTo is the wildcard of all dumps to a router.
func DumpsTo(router string) string { return DumpSubject(router, "*") }

// HeadsSubject carries an edge's requests for heads.
func HeadsSubject(edge string) string { return "hw.q.heads." + edge }

// DeviceSubject carries an edge's requests to store or remove a record.
func DeviceSubject(edge string) string { return "hw.q.device." + edge }

// CellsSubject carries what an edge learned of networks, and its questions
// what the others did.
func CellsSubject(edge string) string { return "hw.q.cells." + edge }

// CellKey is the key of a network in BucketCells, which heartbeat.Path.Key
// names.
func CellKey(network string) string { return prefixCell + network }

// ParseCellKey reverses CellKey: it reports false for other keys.
func ParseCellKey(key string) (network string, ok bool) { return strings.CutPrefix(key, prefixCell) }

// CheckSubject carries a push worker's questions before it sends.
func CheckSubject(push string) string { return "hw.q.check." + push }

// PresenceSubject carries a router's questions to one whose table is complete.
func PresenceSubject(router string) string { return "hw.q.presence." + router }

// PresenceReply takes the answer to one of a router's questions. It is none of
// the inboxes: an edge that names one as its reply could make a router
// answer another router's requests to NATS.
func PresenceReply(router, id string) string { return "hw.r." + router + ".p." + id }

// PushBeatSubject carries a push worker's beats.
func PushBeatSubject(push string) string { return "hw.p.b." + push }

// PassSubject carries jobs to the push worker that has their devices.
func PassSubject(push string) string { return "hw.p.j." + push }

// PassedReply takes the answer to a job that a push worker passed on. It is none
// of the inboxes, in which the answers of NATS arrive.
func PassedReply(push, id string) string { return prefixPassed + push + "." + id }

// SafePassedReply reports whether a push worker may answer to this subject.
func SafePassedReply(subject string) bool {
	return strings.HasPrefix(subject, prefixPassed) && plain(subject)
}

// PublishSubject is the NATS door of the publisher.
func PublishSubject(tenant, user, kind string) string {
	return prefixPublish + tenant + "." + user + "." + kind
}

// APISubject carries a backend's call of a method of hawser.v1.Publisher, such
// as NotifyMany.
func APISubject(tenant, method string) string { return prefixAPI + tenant + "." + method }

// AtRouter is the subject of a request to one router by name, where request is
// that of its queue group: hw.q.X becomes hw.r.R.q.X. Who or what asks stands in
// it as before.
func AtRouter(router, request string) string {
	return prefixAtRouter + router + "." + strings.TrimPrefix(request, prefixInternal)
}

// UpstreamSubject carries devices' requests to a tenant's service.
func UpstreamSubject(tenant, service, method string) string {
	return UpstreamService(tenant, service) + "." + method
}

// UpstreamService is the prefix, without a trailing dot, of the subjects of a
// service's methods.
func UpstreamService(tenant, service string) string { return prefixUpstream + tenant + "." + service }

// SyncSubject carries devices' sync requests for one kind that hawser
// numbers. Tenants have no part in it, so that none of them can answer for the
// log; a kind that the backend numbers is a service of the backend's.
func SyncSubject(tenant, kind string) string { return prefixSync + tenant + "." + kind }

// SafeReply reports whether a responder may answer to this subject: an inbox
// of one of the roles' users, without wildcards.
func SafeReply(subject string) bool {
	rest, ok := strings.CutPrefix(subject, prefixReply)
	return ok && len(rest) > 0 && plain(subject)
}

// SafePublishReply is SafeBackendReply for a request on a publish subject.
func SafePublishReply(subject, reply string) bool {
	tenant, _, _ := strings.Cut(strings.TrimPrefix(subject, prefixPublish), ".")
	return SafeBackendReply(tenant, reply)
}

// SafeBackendReply reports whether the doors of a tenant's backends may answer
// to a reply subject: one that the server made for the request of another
// account, or, where all are in one, an inbox of the tenant's backends. The
// router may publish to everybody's inboxes, which must not help one tenant to
// speak to another's.
func SafeBackendReply(tenant, reply string) bool {
	if strings.HasPrefix(reply, prefixAcross) {
		return len(reply) > len(prefixAcross) && plain(reply)
	}
	return SafeReply(reply) && strings.HasPrefix(reply, InboxPrefix(RoleBackend, tenant)+".")
}

// plain reports whether a subject is short and without wildcards.
func plain(subject string) bool {
	return len(subject) <= 512 && !strings.ContainsAny(subject, "*> \t\r\n")
}
