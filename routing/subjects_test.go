package routing

import (
	"errors"
	"hash/fnv"
	"strings"
	"testing"
)

func TestSubjects(t *testing.T) {
	tests := map[string]string{
		"inbox.37.acme.u1.messages":           InboxSubject("acme", "u1", "messages"),
		"push.acme.u1.d1.messages":            PushSubject("acme", "u1", "d1", "messages"),
		"hawser.v1.events.acme.push.dead":     EventSubject("acme", "push.dead"),
		"d.acme.u1.d1":                        DeviceKey("acme", "u1", "d1"),
		"hw.s.hk1":                            SessionsSubject("hk1"),
		"hw.b.r1":                             BeatSubject("r1"),
		"hw.g.hk1.n":                          NotifySubject("hk1"),
		"hw.g.hk1.e":                          EchoSubject("hk1"),
		"hw.g.hk1.d":                          DumpRequestSubject("hk1"),
		"hw.r.r1.a.hk1":                       AnswerSubject("r1", "hk1"),
		"hw.r.r1.d.hk1":                       DumpSubject("r1", "hk1"),
		"hw.q.heads.hk1":                      HeadsSubject("hk1"),
		"hw.q.device.hk1":                     DeviceSubject("hk1"),
		"hw.q.cells.hk1":                      CellsSubject("hk1"),
		"hw.r.r1.q.cells.hk1":                 AtRouter("r1", CellsSubject("hk1")),
		"c.tcp.wifi.all":                      CellKey("tcp.wifi.all"),
		"hw.q.check.p1":                       CheckSubject("p1"),
		"hawser.v1.pub.acme.u1.messages":      PublishSubject("acme", "u1", "messages"),
		"hw.q.sync.acme.messages":             SyncSubject("acme", "messages"),
		"hw.r.r1.q.heads.hk1":                 AtRouter("r1", HeadsSubject("hk1")),
		"hw.r.r1.q.sync.acme.messages":        AtRouter("r1", SyncSubject("acme", "messages")),
		"hawser.v1.up.acme.orders.list":       UpstreamSubject("acme", "orders", "list"),
		"_INBOX.router.r1":                    InboxPrefix(RoleRouter, "r1"),
		"edge-hk1":                            UserName(RoleEdge, "hk1"),
		MsgID("a", "b", "c", "i d with dots"): "a.b.c.i d with dots",
	}
	for want, got := range tests {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// The partition is FNV-1a over the names joined with dots.
func TestPartition(t *testing.T) {
	for _, names := range [][3]string{{"acme", "u1", "messages"}, {"a", "b", "c"}, {"-", "_", strings.Repeat("k", 64)}} {
		h := fnv.New32a()
		_, _ = h.Write([]byte(strings.Join(names[:], ".")))
		if got, want := Partition(names[0], names[1], names[2]), int(h.Sum32()%64); got != want {
			t.Errorf("%v: partition %d, want %d", names, got, want)
		}
	}
}

func TestParseInboxRefuses(t *testing.T) {
	good := InboxSubject("acme", "u1", "messages")
	if _, _, _, err := ParseInbox(good); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		"", "inbox", "inbox.", "inbox.1.acme.u1.messages", good + ".x", "x" + good,
		strings.Replace(good, "u1", "u.1", 1), strings.Replace(good, "u1", "*", 1),
		strings.Replace(good, "u1", "", 1), strings.Replace(good, "inbox.", "inbox.0", 1),
		strings.Replace(good, "u1", strings.Repeat("u", 65), 1), "inbox.64.acme.u1.messages", "inbox.-1.acme.u1.messages",
	} {
		if _, _, _, err := ParseInbox(s); !errors.Is(err, ErrSubject) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestSafeReply(t *testing.T) {
	for s, want := range map[string]bool{
		"_INBOX.edge.hk1.abc": true, "_INBOX.x": true,
		"": false, "_INBOX.": false, "_INBOX": false, "inbox.1.a.b.c": false, "$JS.API.STREAM.DELETE.INBOX": false,
		"_INBOX.>": false, "_INBOX.*.x": false, "hw.g.hk1.n": false, "_INBOX.a b": false, "_INBOX." + strings.Repeat("x", 600): false,
	} {
		if SafeReply(s) != want {
			t.Errorf("SafeReply(%q) is %v", s, !want)
		}
	}
}

func TestSafePublishReply(t *testing.T) {
	for reply, want := range map[string]bool{
		"_INBOX.backend.acme.abc": true, "_INBOX.backend.acme.abc.1": true, "_R_.abc.def": true,
		"_R_.": false, "_R_.>": false, "_R_.*.x": false, "_R_": false, "$JS.ACK.INBOX.ROUTERS.1.1.1.1.0": false,
		"_INBOX.backend.acme": false, "_INBOX.backend.acme2.abc": false, "_INBOX.backend.globex.abc": false,
		"_INBOX.edge.hk1.up.globex.abc": false, "_INBOX.edge.hk1.up.acme.abc": false, "_INBOX.x": false, "_INBOX.backend.acme.>": false, "": false,
	} {
		if SafePublishReply("hawser.v1.pub.acme.u1.messages", reply) != want {
			t.Errorf("SafePublishReply(%q) is %v", reply, !want)
		}
	}
}

func TestSender(t *testing.T) {
	if got, err := Sender(AnswerSubject("r1", "hk1")); err != nil || got != "hk1" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, s := range []string{"", "hw.", "hw.s.", "hw.s.*", "hw.s.a b", "inbox.1.a.b.c"} {
		if _, err := Sender(s); err == nil {
			t.Errorf("%q accepted", s)
		}
	}
}

// Whatever parses is built again as the same subject.
func FuzzParse(f *testing.F) {
	f.Add(InboxSubject("acme", "u1", "messages"))
	f.Add("hawser.v1.pub.acme.u.1.messages")
	f.Add("hawser.v1.up.acme.sync.messages")
	f.Add("d.acme.u1.d1")
	f.Add("c.acme.u1")
	f.Add("hw.q.sync.acme.messages")
	f.Add("hw.r.r1.q.sync.acme.messages")
	f.Add("hw.r.q.sync.acme.messages")
	f.Add("hawser.v1.api.acme.Presence")
	f.Fuzz(func(t *testing.T, s string) {
		same := func(got string, err error) {
			if err == nil && got != s {
				t.Errorf("%q parsed and built as %q", s, got)
			}
		}
		a, b, c, err := ParseInbox(s)
		same(InboxSubject(a, b, c), err)
		a, b, c, err = ParsePublish(s)
		same(PublishSubject(a, b, c), err)
		a, b, c, err = ParseUpstream(s)
		same(UpstreamSubject(a, b, c), err)
		a, b, c, err = ParseDeviceKey(s)
		same(DeviceKey(a, b, c), err)
		a, b, err = ParseAPI(s)
		same(APISubject(a, b), err)
		a, b, err = ParseSync(s)
		if !strings.HasPrefix(s, "hw.r.") {
			same(SyncSubject(a, b), err)
		} else if rest, _ := strings.CutPrefix(s, "hw.r."); err == nil && rest[strings.IndexByte(rest, '.'):] != SyncSubject(a, b)[2:] {
			t.Errorf("%q parsed as %s and %s", s, a, b)
		}
		a, b, c, err = ParseCutoffKey(s)
		same(CutoffKey(a, b, c), err)
	})
}
