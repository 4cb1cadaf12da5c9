// Package wire is hawser's protocol between a device and an edge, version 1:
// this comment specifies it, and the code reads and writes it.
//
// A device can be written from this comment and from testdata/vectors.txt,
// which holds examples of every frame, right and wrong, in a format that says
// of itself how to read it. "Shall" marks what the other side relies on.
//
// # In short
//
// A backend says "user U is at version N of kind K". Each device of U that is
// connected hears that number in a Notify, fetches what it lacks with a
// Request, and confirms with an Ack. A device that does not confirm in time
// is reached through its platform's push instead.
//
//	device                                     edge
//	  Hello {token, versions}        ------->
//	                                 <-------  Welcome {epoch, interval, kinds}
//	                                 <-------  Notify messages 7
//	  Request 1 sync/messages {6}    ------->
//	                                 <-------  Response 1 ok {items, head 7}
//	  Ack messages 7                 ------->
//	  ... nothing for an interval ...
//	  Ping                           ------->
//	                                 <-------  Pong {next interval}
//	  Bye                            ------->
//	                                 <-------  Close 3508
//
// # Words
//
// A tenant is one application's backend; it has users; a user has devices; a
// device is one installation of the application. A kind is a stream of news
// to a user, such as "messages". Tenant, user, device, kind, service and
// method are ids: 1 to 64 bytes, each one of A-Z a-z 0-9 _ and -.
//
// A version is an integer from 1 to 2^53-1. It grows with each event of a
// user's kind, not always by one. Where 0 may stand for a version, it means
// "nothing yet". The head of a kind is its newest version.
//
// # Transport
//
// Either TLS over TCP or QUIC (RFC 9000), on the same port number. TLS is 1.3
// in both; the device shall verify the edge's certificate, and shall offer
// the ALPN protocol "hawser/1". An edge may answer other ALPN protocols on
// the same port; they are not part of this document.
//
// On TCP the frames follow the handshake. On QUIC the device opens one
// bidirectional stream, at once, and both sides send their frames on it for
// the life of the connection; there are no other streams and no datagrams. A
// Hello in early data (0-RTT) is acted on only after the handshake.
//
// On QUIC a device should write the length of a frame in four bytes, where one
// would do, too. An edge that was started anew answers the packets of the
// connections before it with a stateless reset, so that devices connect again at
// once; but only those of 43 bytes and more, and a Ping of two bytes makes one of
// 41.
//
// A device may try both transports at once. It shall send Hello on the one it
// keeps and close the other without a frame.
//
// Numbers below are big-endian. A varint is the variable-length integer of
// RFC 9000, section 16: the two highest bits of the first byte say whether it
// takes 1, 2, 4 or 8 bytes, the rest is the number, 0 to 2^62-1. A sender
// should use the shortest form; a receiver shall take any.
//
// # Frames
//
//	type     1 byte
//	length   varint, the payload's length in bytes
//	payload  that many bytes
//
// A payload has at most 65536 bytes; a device's has at most 8192 until it is
// welcomed, and afterwards what Welcome's limits allow, if that is less. Bodies
// of a Request and a Response have at most 65024 bytes. An edge answers a
// longer payload with Close 3504, unread.
//
// Types 0x00 to 0x3f and 0x80 to 0xbf are sent by devices, the others by edges:
// bit 0x40 is the direction. Old and new understand each other by two rules.
// A receiver shall skip frames of a type it does not know; this version
// defines the types below. And a receiver shall ignore bytes of a payload
// after the fields it knows, unknown fields of a protobuf body, and unknown
// bits of flags. A sender shall leave out no field of this version.
//
// Anything else unexpected is an error: a payload that ends within a field, a
// value outside its range, a known type from the wrong side or at the wrong
// time. An edge answers it with Close 3503. A device closes the connection and
// treats it as lost.
//
// Fields of a payload follow one another without padding:
//
//	varint   as above
//	bytes    a varint n, then n bytes
//	text     bytes that are UTF-8, n at most 256
//	id       bytes that are an id
//	ms       a varint, milliseconds, at most 604800000 (7 days)
//	version  a varint from 1 to 2^53-1
//	flags    a varint; bit 0 is its lowest bit
//	kind     a varint n of at most 64. n >= 1: the n-th of Welcome.kinds. n = 0: an id follows, the kind
//
// A number stands for a kind on the connection of that Welcome only. A device
// may use the number or the id; an edge uses the number wherever there is one.
// A number above the list is an error.
//
//	      device -> edge
//	0x01  Hello      protobuf Hello
//	0x02  Ping       nothing at all, or: varint count (at most 64), then count times: kind, version;
//	                 then, where it is set: flags: bit 0, it answers a Probe
//	0x03  Ack        kind, version
//	0x04  Request    varint id, ms timeout, id service, id method, bytes body
//	0x05  Network    protobuf Network
//	0x06  State      flags: bit 0, the application is in the background; bit 1, it is asleep
//	0x07  Token      protobuf Token
//	0x08  Bye        flags: bit 0, log out
//
//	      edge -> device
//	0x41  Welcome    protobuf Welcome
//	0x42  Pong       ms interval
//	0x43  Notify     kind, version, varint previous
//	0x44  Probe      nothing
//	0x45  Response   varint id, varint status (at most 255), text message, bytes body
//	0x46  GoAway     protobuf GoAway
//	0x47  Close      varint code (3000 to 3999), text reason, protobuf ComeBack
//
// The ComeBack goes on to the end of the payload, and is mostly empty. One that
// is malformed, or out of its bounds, counts as empty.
//
// Texts are for logs: no program shall decide by them.
//
// # Protobuf bodies
//
// The payload is one message in the proto3 encoding. wirepb/wire.proto has
// them with comments; this is what goes over the wire. Fields with their
// default value are absent. Times are int64 milliseconds, not negative.
//
//	Hello      1 token string, the JWT              2 platform enum: 1 iOS, 2 Android, 3 other
//	           3 app string, <= 256 bytes           4 app_version string, <= 64 bytes
//	           5 network Network                    6 push_token string, <= 4096 bytes
//	           7 versions repeated KindVersion, <= 64
//	           8 last LastConnection                9 resume_ticket bytes, <= 512
//	           10 background bool                   11 slot bytes, <= 64
//	           12 asleep bool
//	KindVersion     1 kind string                   2 version int64, 0 allowed
//	Network         1 radio enum: 1 Wi-Fi, 2 2G, 3 3G, 4 4G, 5 5G, 6 wired
//	                2 id_hash bytes, <= 32
//	LastConnection  1 end enum: 1 the device closed it, 2 the edge said Close or GoAway, 3 reset
//	                or error, 4 no answer in time, 5 the network changed
//	                2 last_good_gap_ms int64        3 first_miss_gap_ms int64
//	                4 reconnect_delay_ms int64
//	Token      1 token string                       2 push_token string, <= 4096 bytes
//	Welcome    1 epoch int64, 1 to 2^53-1           2 interval_ms int64
//	           3 resume_ticket bytes, <= 512        4 limits Limits
//	           5 reconnect_spread_ms int64          6 kinds repeated string, <= 64
//	           7 edge string
//	Limits     1 max_frame_bytes int64              2 max_requests int64
//	           3 requests_per_s int64
//	GoAway     1 spread_ms int64                    2 grace_ms int64
//	           3 reason string                      4 cause enum: 0 drain, 1 token expired
//	ComeBack   1 wait_ms int64                      2 slot bytes, <= 64
//	SyncRequest     1 since int64                   2 limit int64
//	SyncResponse    1 items repeated Item           2 head int64
//	                3 more bool                     4 snapshot_needed bool
//	                5 reset_to_head bool
//	Item            1 version int64                 2 data bytes
//
// An enum value that is not listed counts as 0, not specified. A Limits field
// of 0 sets no limit beyond this document's.
//
// # Hello and Welcome
//
// Hello shall be the device's first frame, and the device shall send nothing
// more until the Welcome. The edge sends nothing before Welcome, except Close.
// A device that sends no complete Hello in time (10 s unless the operator
// chose otherwise, counted from the handshake) is closed with 3002.
//
// The token is a JWT of at most 4096 bytes, signed by the tenant's backend with
// EdDSA, ES256 or RS256. It shall have a kid in its header, aud "hawser", sub
// (the user), tid (the tenant), did (the device, an id that the application
// makes at its installation and keeps) and exp. Clocks may differ by 60 s.
//
// app is the application's identifier at its push provider and push_token the
// provider's token for the installation; an empty push_token leaves a stored
// one as it is. A push token belongs to one device of one user: its newest
// owner. versions holds what the device has of each kind; a kind left out, or
// with version 0, is a kind of which it has nothing. last tells how the last
// connection ended, for the edge to learn what the network bears; it is absent
// on the first. In it, last_good_gap_ms is the longest silence after which a
// frame still came, and first_miss_gap_ms the silence after which no answer came,
// or an error, 0 if there was none. resume_ticket is the last Welcome's, unchanged.
// id_hash of Network is a hash of the network's name with a key that stays on
// the device.
//
// Welcome's epoch orders the sessions of a device: when two of them are alive,
// that with the lower epoch is closed with 3502. interval_ms is the heartbeat
// interval. The ticket shall be kept for the next Hello; it is opaque and
// proves nothing about the device.
//
// After Welcome the edge compares versions with the heads and sends a Notify
// for each kind whose head is above what the device has. That may take a
// moment: a device does not wait for it.
//
// # Notify, sync, Ack
//
// Notify tells a kind's head. It shows nothing to the user by itself. Only the
// newest number counts: an edge that has several to tell sends the last one.
// previous is the version before it, or 0 where it is not known; a value that
// is not below version counts as 0. A device that has previous lacks one
// event; any other cannot tell.
//
// A device fetches what is above its own version. What is not above it is
// mostly old news, and answered with an Ack of its own version at once. But a
// device can be ahead of the head, after the backend's log was restored to an
// earlier state: the first Notify of a kind on a connection that is below the
// device's version is therefore fetched too, and the answer tells.
//
// To fetch, the device sends a Request with service "sync", the kind as method
// and a SyncRequest as body: since is its own version, limit the greatest
// number of items it wants, 0 for as many as fit. The answer with status 0 is
// a SyncResponse:
//
//   - items are the events after since, oldest first. A device that has taken
//     them over has the last item's version.
//   - more: ask again, since the last item's version.
//   - without more, the device has the version head afterwards, also if there
//     are no items.
//   - snapshot_needed: events after since and before the first item are no
//     longer kept. The application fetches its whole state from its own
//     service, then goes on with the items.
//   - reset_to_head: since is above the head. The device sets its version to
//     head, lower than before, and takes a snapshot too if it cannot tell what
//     it has missed. This is the only way a version goes down.
//
// This holds for kinds that hawser numbers. For kinds that the backend
// numbers, the backend answers the same Request, with a body of its choice.
//
// For one kind, a device shall not have two fetches under way. A Notify that
// arrives meanwhile is remembered, and looked at again afterwards.
//
// Ack says that everything of the kind up to version is safe with the device:
// stored by the application, not just received. The edge lets go of it, and no
// push will be sent for it. An Ack of a version that was never notified is
// fine. After reset_to_head the device acknowledges the head. Version 0 is not
// acknowledged.
//
// A device that is notified and does not acknowledge in some seconds (3, 10 or
// 60 by the event's urgency) gets a push as well, if it has a push token. Its
// connection stays. One that waits for the answer to its sync then has 10 s
// more. A device on 2G is not woken for what has 60 s: that comes with the answer
// to its next Ping, at most 4 minutes later.
//
// # Requests
//
// A Request calls method of service at the tenant's backend. id is any number
// that is not in use by another Request of the connection without a Response.
// timeout is how long the device waits; 0 takes the edge's default, and an edge
// may wait for less than a very long one. Responses
// come in any order, each Request gets exactly one while the connection lasts,
// and a connection that ends leaves the outcome unknown: a device repeats only
// what may be done twice.
//
//	0 ok                   the body is the answer
//	1 invalid              the request makes no sense to the service
//	2 unauthenticated      the service refused the device's token
//	3 permission_denied    the service is not open to this tenant or user
//	4 not_found            no such thing or no such method
//	5 deadline             no answer in time; the call may have taken effect
//	6 unavailable          nobody took the call; try again later
//	7 exhausted            too many requests; try again more slowly
//	8 internal             the service failed; also any other number
//	9 failed_precondition  not in the present state; do not just try again
//
// A device shall not have more than Limits.max_requests without a Response,
// nor send more than Limits.requests_per_s over time: further ones get status
// 7. A device that sends too many frames of any type is closed with 3005.
//
// # Heartbeats
//
// The device sends Ping when no frame has passed for an interval, in either
// direction: each of them keeps the ways of both open. The interval is
// Welcome's until a Pong brings another: its 0 keeps the present one. It is a
// time to be kept, not a ceiling: NATs on the way forget a connection that is
// silent for longer, and radios pay for one that is not. The edge learns what a
// network bears, and says something else with each Pong; it may send one that
// nobody asked for.
//
// A Ping is answered with a Pong; several Pings close together may get one. A
// device that receives no frame within 15 s of its Ping shall treat the
// connection as lost. An edge that receives no frame for the interval and a
// grace (20 s and a tenth of the interval) closes with 3001; while it has
// something to send itself, it may wait longer.
//
// Ping with versions tells what the device has; it counts as the Acks of those
// versions. A device sends them when it is not sure that its Acks arrived, and
// need not send them at all. After 3 s without an answer it should: on QUIC
// that also makes a packet large enough for the stateless reset by which an
// edge that was started anew tells of connections that it does not know.
//
// Probe tests the way down, which an answered Ping does not: the Ping opens it
// anew where a NAT has forgotten it. The device shall answer a Probe with a Ping
// at once, and should set bit 0 of its flags. An edge that probes hands out an
// interval that ends 8 s after its Probe is due, so that the device's own Ping
// comes first only where the Probe did not arrive.
//
// # Changes on a live connection
//
// Network: the device's network is another one than Hello said, and the
// connection survived. State: the application moved to the foreground or the
// background. On iOS, background means "push me at once": the system may stop
// the application before it can act on a Notify. Asleep means the same on every
// platform: the system holds back the application's timers or its network, as
// Android does in Doze, so that it cannot beat. An edge expects no beats then,
// for as long as half an hour; a device that wakes says so, with State, and is
// mostly still connected.
//
// Token brings a new JWT of the same tenant, user and device, a new push
// token, or both; an empty field leaves what there is. A JWT that is
// refused ends the connection, with 3500, with 3501 if it has expired, or with
// 3506 if it is of another device. There is no answer to a good one.
//
// # Endings
//
// GoAway with cause 0 asks the device to move: after a random time of up to
// spread_ms it connects anew, to any edge, says Hello there, and only then
// lets go of this connection, which works until grace_ms has passed. The old
// connection will mostly end with 3502: that is no error then.
//
// GoAway with cause 1 says that the token is about to expire: the device sends
// Token with a new JWT within grace_ms, on this connection, which then goes
// on. Else the edge closes with 3501.
//
// Bye ends the connection from the device's side. With bit 0 it also logs the
// device out: the edge first removes the device's record, so that no push is
// sent any more, then answers with Close 3505. A log-out without that answer
// has to be tried again, also after Close 3006. A plain Bye is answered with Close 3508; the device's
// record stays, and news are pushed. A device need not wait for that answer.
//
// Close is the edge's last frame; what the device sends after it is not read.
// On QUIC the same code is the connection's application error code as well,
// and counts if the frame was lost. A device that ends a QUIC connection uses
// the error code 0. From 3000 to 3499 the device connects again by itself:
//
//	3000 shutdown           the edge stops. Wait a random time of up to reconnect_spread_ms
//	3001 idle               no frame within the deadline. Connect at once; report the gap in Hello
//	3002 hello timeout      no Hello in time. Back off
//	3003 busy               the edge is full. Come back at the slot; without one back off, try another edge
//	3004 too slow           the device does not read. Back off
//	3005 rate limited       the device sends too much. Back off, send less
//	3006 internal           a fault of the edge. Back off
//	3007 clock              the edge's clock is wrong, its epoch was refused. Back off, try another edge
//
// From 3500 to 3999 it does not, before the application has acted:
//
//	3500 unauthenticated    the token is bad or forged. Get another from the backend
//	3501 token expired      get another from the backend
//	3502 superseded         another session of this device is newer. Leave it the connection
//	3503 protocol           a malformed or unexpected frame. A bug: report it
//	3504 frame too large    a payload above the limit. A bug: report it
//	3505 logged out         the answer to Bye with log-out
//	3506 permission denied  the token is good, and tenant or user is not let in
//	3507 removed            the backend disconnected the device
//	3508 bye                the answer to Bye
//
// An unknown code is treated by its range, 3000 to 3499 with back-off. For
// 3500 and 3501 "the application" may be a callback that gets a token: one new
// token may be tried without asking anybody, and after that back off.
//
// An edge to which more devices come than it can let in closes with 3003 and a
// ComeBack, before it has looked at the token. The device waits wait_ms, neither
// less nor a random time more, because the edge has spread the devices. Then it
// connects, to any edge, and sends the slot in Hello, unchanged: devices that
// come with their slot at its time are let in before others. It sends it in
// every Hello until it is welcomed, or until another Close brings a newer one. A
// slot is that of the device and is good once, for 2 min from its time on. Who
// comes too early is let in like one without, or told again how long to wait,
// with the same slot; a slot that is not good is as none. If it cannot connect at its time, the
// device backs off as always.
//
// A connection that ends without Close is lost. If the device's own network
// changed, or its own Ping found the connection dead, it connects at once:
// others ping at other times. On QUIC that is always so, since a dead edge says
// nothing by itself. Otherwise it first waits a random time of up to
// reconnect_spread_ms: an edge that dies takes many connections along, and they
// shall not come back in the same second.
//
// To back off is to wait a random time of up to 1 s after the first failure,
// and up to twice as much after each further one, until 5 min. A connection
// that was welcomed and lived for a minute ends the series.
package wire

// ALPN is the protocol's name in TLS, on TCP and on QUIC.
const ALPN = "hawser/1"
