package routing_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
)

// rights say which roles may publish ("p") and subscribe ("s") to a subject,
// as seen by the edge hk1, the router r1, the push worker p1 and the backend
// of acme. Who is not named may do neither.
type rights map[routing.Role]string

const (
	isEdge, isRouter, isPush, isBackend = routing.RoleEdge, routing.RoleRouter, routing.RolePush, routing.RoleBackend
	isMonitor, isOperator               = routing.RoleMonitor, routing.RoleOperator
)

// classified holds a decision for every builder of a subject and every
// wildcard in package routing: of the role's own, and of somebody else's.
// A new one has to be entered here first.
var classified = []struct {
	builder string
	subject string
	may     rights
}{
	{"InboxSubject", routing.InboxSubject("acme", "u1", "messages"), rights{isRouter: "p"}},
	{"InboxAll", routing.InboxAll, rights{isRouter: "p"}},
	{"InboxOf", routing.InboxOf("acme", "u1"), rights{}},
	{"PushSubject", routing.PushSubject("acme", "u1", "d1", "messages"), rights{isRouter: "p", isPush: "p"}},
	{"PushAll", routing.PushAll, rights{isRouter: "p", isPush: "p"}},
	{"PushLaterSubject", routing.PushLaterSubject("acme", "u1", "d1", "messages"), rights{isRouter: "p", isPush: "p"}},
	{"PushLaterAll", routing.PushLaterAll, rights{isRouter: "p", isPush: "p"}},
	{"PushDeadSubject", routing.PushDeadSubject("acme", "u1", "d1", "messages"), rights{isPush: "p"}},
	{"PushDeadAll", routing.PushDeadAll, rights{isPush: "p"}},
	{"PushSlot", routing.PushSlot("acme", "u1", "d1", "messages"), rights{}},
	{"EventSubject", routing.EventSubject("acme", "token.rejected"), rights{isRouter: "p", isPush: "p", isBackend: "s"}},
	{"EventSubject", routing.EventSubject("globex", "token.rejected"), rights{isRouter: "p", isPush: "p"}},
	{"EventsOf", routing.EventsOf("acme"), rights{isRouter: "p", isPush: "p", isBackend: "s"}},
	{"EventsOf", routing.EventsOf("globex"), rights{isRouter: "p", isPush: "p"}},
	{"EventsConsumer", "$JS.API.CONSUMER.MSG.NEXT." + routing.StreamEvents + "." + routing.EventsConsumer("acme"), rights{isRouter: "p", isOperator: "p"}},
	{"EventsAll", routing.EventsAll, rights{isRouter: "p", isPush: "p"}},
	{"SessionsSubject", routing.SessionsSubject("hk1"), rights{isEdge: "p", isRouter: "s"}},
	{"SessionsSubject", routing.SessionsSubject("hk2"), rights{isRouter: "s"}},
	{"SessionsAll", routing.SessionsAll, rights{isRouter: "s"}},
	{"BeatSubject", routing.BeatSubject("r1"), rights{isRouter: "ps", isEdge: "s"}},
	{"BeatSubject", routing.BeatSubject("r2"), rights{isRouter: "s", isEdge: "s"}},
	{"BeatsAll", routing.BeatsAll, rights{isRouter: "s", isEdge: "s"}},
	{"NotifySubject", routing.NotifySubject("hk1"), rights{isRouter: "p", isEdge: "s"}},
	{"NotifySubject", routing.NotifySubject("hk2"), rights{isRouter: "p"}},
	{"EchoSubject", routing.EchoSubject("hk1"), rights{isRouter: "p", isEdge: "s"}},
	{"EchoSubject", routing.EchoSubject("hk2"), rights{isRouter: "p"}},
	{"DumpRequestSubject", routing.DumpRequestSubject("hk1"), rights{isRouter: "p", isEdge: "s"}},
	{"DumpRequestSubject", routing.DumpRequestSubject("hk2"), rights{isRouter: "p"}},
	{"AnswerSubject", routing.AnswerSubject("r1", "hk1"), rights{isEdge: "p", isRouter: "s"}},
	{"AnswerSubject", routing.AnswerSubject("r2", "hk1"), rights{isEdge: "p"}},
	{"AnswerSubject", routing.AnswerSubject("r1", "hk2"), rights{isRouter: "s"}},
	{"AnswersTo", routing.AnswersTo("r1"), rights{isRouter: "s"}},
	{"AnswersTo", routing.AnswersTo("r2"), rights{}},
	{"DumpSubject", routing.DumpSubject("r1", "hk1"), rights{isEdge: "p", isRouter: "s"}},
	{"DumpSubject", routing.DumpSubject("r1", "hk2"), rights{isRouter: "s"}},
	{"DumpsTo", routing.DumpsTo("r1"), rights{isRouter: "s"}},
	{"DumpsTo", routing.DumpsTo("r2"), rights{}},
	{"HeadsSubject", routing.HeadsSubject("hk1"), rights{isEdge: "p", isRouter: "s"}},
	{"HeadsSubject", routing.HeadsSubject("hk2"), rights{isRouter: "s"}},
	{"HeadsAll", routing.HeadsAll, rights{isRouter: "s"}},
	{"DeviceSubject", routing.DeviceSubject("hk1"), rights{isEdge: "p", isRouter: "s"}},
	{"DeviceSubject", routing.DeviceSubject("hk2"), rights{isRouter: "s"}},
	{"DeviceAll", routing.DeviceAll, rights{isRouter: "s"}},
	{"CellsSubject", routing.CellsSubject("hk1"), rights{isEdge: "p", isRouter: "s"}},
	{"CellsSubject", routing.CellsSubject("hk2"), rights{isRouter: "s"}},
	{"CellsAll", routing.CellsAll, rights{isRouter: "s"}},
	{"CheckSubject", routing.CheckSubject("p1"), rights{isPush: "p", isRouter: "s"}},
	{"CheckSubject", routing.CheckSubject("p2"), rights{isRouter: "s"}},
	{"CheckAll", routing.CheckAll, rights{isRouter: "s"}},
	{"PresenceSubject", routing.PresenceSubject("r1"), rights{isRouter: "ps"}},
	{"PresenceSubject", routing.PresenceSubject("r2"), rights{isRouter: "s"}},
	{"PresenceAll", routing.PresenceAll, rights{isRouter: "s"}},
	{"PresenceReply", routing.PresenceReply("r1", "x"), rights{isRouter: "ps"}},
	{"PresenceReply", routing.PresenceReply("r2", "x"), rights{isRouter: "p"}},
	{"PushBeatSubject", routing.PushBeatSubject("p1"), rights{isPush: "ps"}},
	{"PushBeatSubject", routing.PushBeatSubject("p2"), rights{isPush: "s"}},
	{"PushBeatsAll", routing.PushBeatsAll, rights{isPush: "s"}},
	{"PassSubject", routing.PassSubject("p1"), rights{isPush: "ps"}},
	{"PassSubject", routing.PassSubject("p2"), rights{isPush: "p"}},
	{"PassedReply", routing.PassedReply("p1", "x"), rights{isPush: "ps"}},
	{"PassedReply", routing.PassedReply("p2", "x"), rights{isPush: "p"}},
	{"PublishSubject", routing.PublishSubject("acme", "u1", "messages"), rights{isBackend: "p", isRouter: "s"}},
	{"PublishSubject", routing.PublishSubject("globex", "u1", "messages"), rights{isRouter: "s"}},
	{"PublishAll", routing.PublishAll, rights{isRouter: "s"}},
	{"UpstreamSubject", routing.UpstreamSubject("acme", "orders", "list"), rights{isEdge: "p", isBackend: "s", isRouter: "s"}},
	{"UpstreamSubject", routing.UpstreamSubject("acme", "sync", "account"), rights{isEdge: "p", isBackend: "s", isRouter: "s"}},
	{"UpstreamReplies", routing.InboxPrefix(routing.RoleEdge, "hk1") + ".up.acme.x", rights{isEdge: "s", isRouter: "p", isBackend: "ps"}},
	{"UpstreamReplies", routing.UpstreamReplies("acme"), rights{isRouter: "p", isBackend: "ps"}},
	{"UpstreamSubject", routing.UpstreamSubject("globex", "orders", "list"), rights{isEdge: "p", isRouter: "s"}},
	{"APISubject", routing.APISubject("acme", "Presence"), rights{isBackend: "p", isRouter: "s"}},
	{"APISubject", routing.APISubject("globex", "Presence"), rights{isRouter: "s"}},
	{"APIAll", routing.APIAll, rights{isRouter: "s"}},
	{"SyncSubject", routing.SyncSubject("acme", "messages"), rights{isEdge: "p", isRouter: "s"}},
	{"SyncSubject", routing.SyncSubject("globex", "messages"), rights{isEdge: "p", isRouter: "s"}},
	{"SyncAll", routing.SyncAll, rights{isRouter: "s"}},
	{"AtRouter", routing.AtRouter("r1", routing.HeadsSubject("hk1")), rights{isEdge: "p", isRouter: "s"}},
	{"AtRouter", routing.AtRouter("r2", routing.HeadsSubject("hk1")), rights{isEdge: "p"}},
	{"AtRouter", routing.AtRouter("r1", routing.HeadsSubject("hk2")), rights{isRouter: "s"}},
	{"AtRouter", routing.AtRouter("r1", routing.HeadsAll), rights{isRouter: "s"}},
	{"AtRouter", routing.AtRouter("r1", routing.DeviceSubject("hk1")), rights{isEdge: "p", isRouter: "s"}},
	{"AtRouter", routing.AtRouter("r2", routing.DeviceSubject("hk1")), rights{isEdge: "p"}},
	{"AtRouter", routing.AtRouter("r1", routing.DeviceSubject("hk2")), rights{isRouter: "s"}},
	{"AtRouter", routing.AtRouter("r1", routing.DeviceAll), rights{isRouter: "s"}},
	{"AtRouter", routing.AtRouter("r1", routing.CellsSubject("hk1")), rights{isEdge: "p", isRouter: "s"}},
	{"AtRouter", routing.AtRouter("r2", routing.CellsSubject("hk1")), rights{isEdge: "p"}},
	{"AtRouter", routing.AtRouter("r1", routing.CellsSubject("hk2")), rights{isRouter: "s"}},
	{"AtRouter", routing.AtRouter("r1", routing.CellsAll), rights{isRouter: "s"}},
	{"AtRouter", routing.AtRouter("r1", routing.SyncSubject("acme", "messages")), rights{isEdge: "p", isRouter: "s"}},
	{"AtRouter", routing.AtRouter("r2", routing.SyncSubject("acme", "messages")), rights{isEdge: "p"}},
	{"AtRouter", routing.AtRouter("r1", routing.SyncAll), rights{isRouter: "s"}},
	{"AtRouter", routing.AtRouter("r1", routing.PresenceSubject("r1")), rights{}},
	{"DeviceKey", "$KV." + routing.BucketDevices + "." + routing.DeviceKey("acme", "u1", "d1"), rights{isRouter: "p", isPush: "p"}},
	{"DevicesAll", "$KV." + routing.BucketDevices + "." + routing.DevicesAll, rights{isRouter: "p", isPush: "p"}},
	{"CutoffKey", "$KV." + routing.BucketDevices + "." + routing.CutoffKey("acme", "u1", "d1"), rights{isRouter: "p", isPush: "p"}},
	{"CutoffsAll", "$KV." + routing.BucketDevices + "." + routing.CutoffsAll, rights{}},
	{"TokenOwnerKey", "$KV." + routing.BucketDevices + "." + routing.TokenOwnerKey("acme", "app", "token"), rights{isRouter: "p", isPush: "p"}},
	{"TokenOwnerAll", "$KV." + routing.BucketDevices + "." + routing.TokenOwnerAll, rights{isRouter: "p", isPush: "p"}},
	{"CellKey", "$KV." + routing.BucketCells + "." + routing.CellKey("tcp.wifi.all"), rights{isRouter: "p"}},
	{"InboxPrefix", routing.InboxPrefix(isEdge, "hk1") + ".x", rights{isEdge: "s", isRouter: "p", isBackend: "ps"}},
	{"InboxPrefix", routing.InboxPrefix(isEdge, "hk2") + ".x", rights{isRouter: "p", isBackend: "ps"}},
	{"InboxPrefix", routing.InboxPrefix(isPush, "p1") + ".x", rights{isPush: "s", isRouter: "p", isBackend: "ps"}},
	{"InboxPrefix", routing.InboxPrefix(isRouter, "r1") + ".x", rights{isRouter: "s", isBackend: "ps"}},
	{"InboxPrefix", routing.InboxPrefix(isRouter, "r2") + ".x", rights{isBackend: "ps"}},
	{"InboxPrefix", routing.InboxPrefix(isOperator, "alice") + ".x", rights{isOperator: "s", isBackend: "ps"}},
	{"InboxPrefix", routing.InboxPrefix(isMonitor, "grafana") + ".x", rights{isMonitor: "s", isBackend: "ps"}},
	// In an account of its own a tenant's inboxes are its own affair.
	{"InboxPrefix", routing.InboxPrefix(isBackend, "acme") + ".x", rights{isBackend: "ps"}},
}

// notSubjects are functions that return what is no subject, or the beginning
// of one, or a list of those of others.
var notSubjects = []string{"UserName", "TenantDoors", "UpstreamService"}

func TestEverySubjectIsClassified(t *testing.T) {
	for _, name := range subjectBuilders(t) {
		decided := slices.ContainsFunc(classified, func(c struct {
			builder, subject string
			may              rights
		}) bool {
			return c.builder == name
		})
		if !decided && !slices.Contains(notSubjects, name) {
			t.Errorf("routing.%s makes a subject that nobody decided on: enter in classified who may publish and subscribe to it, and see that permissions.go agrees", name)
		}
	}
}

// subjectBuilders are the exported functions of build.go and permissions.go
// that return a string, and the exported wildcards of subjects.go.
func subjectBuilders(t *testing.T) (names []string) {
	t.Helper()
	for _, file := range []string{"build.go", "permissions.go", "subjects.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			names = append(names, builders(d)...)
		}
	}
	if len(names) < 25 {
		t.Fatalf("only %v were found", names)
	}
	return names
}

func builders(d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil && d.Name.IsExported() && d.Type.Results != nil && len(d.Type.Results.List) == 1 && isString(d.Type.Results.List[0].Type) {
			names = append(names, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			v, ok := s.(*ast.ValueSpec)
			if !ok {
				continue
			}
			for i, n := range v.Names {
				if i >= len(v.Values) {
					break
				}
				lit, ok := v.Values[i].(*ast.BasicLit)
				if ok && n.IsExported() && strings.ContainsAny(lit.Value, "*>") {
					names = append(names, n.Name)
				}
			}
		}
	}
	return names
}

// isString reports whether a result is a string or a list of strings.
func isString(e ast.Expr) bool {
	if a, ok := e.(*ast.ArrayType); ok {
		e = a.Elt
	}
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "string"
}

// TestClassifiedRights asks a server with the shipped accounts for every role
// and every subject.
func TestClassifiedRights(t *testing.T) {
	s := natstest.Run(t, users()...)
	s.JetStream("r1", routing.StreamOptions{})
	for _, u := range users() {
		if slices.Contains([]string{"edge-hk2", "edge-hk3", "backend-globex"}, u.Name()) {
			continue // the others' names in the table
		}
		t.Run(u.Name(), func(t *testing.T) {
			t.Parallel()
			g := connect(t, s.URL(), u.Role, u.Label)
			for _, c := range classified {
				may := c.may[u.Role]
				if strings.Contains(may, "s") != g.maySubscribe(t, c.subject) {
					t.Errorf("%s: subscribing to %s is allowed: %v", c.builder, c.subject, !strings.Contains(may, "s"))
				}
				if strings.ContainsAny(c.subject, "*>") {
					continue // a literal of the same shape stands beside it
				}
				if strings.Contains(may, "p") != g.mayPublish(t, c.subject) {
					t.Errorf("%s: publishing to %s is allowed: %v", c.builder, c.subject, !strings.Contains(may, "p"))
				}
			}
		})
	}
}
