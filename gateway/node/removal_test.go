package node_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

const secondNode = "all-2"

// twoOfEach has two edges and two routers.
func twoOfEach(t *testing.T) *fleet {
	t.Helper()
	return startFleet(t, options{nodes: []devmode.Node{
		{Name: whole, Roles: []string{"edge", "router", "push"}},
		{Name: secondNode, Roles: []string{"edge", "router"}},
	}})
}

// call calls a method of a node's API, which must succeed.
func (f *fleet) call(node, tenant, method string, request object) object {
	f.t.Helper()
	status, answer := f.tryCall(node, tenant, method, request)
	if status != http.StatusOK {
		f.t.Fatalf("%s answered %d %v", method, status, answer)
	}
	return answer
}

func (f *fleet) tryCall(node, tenant, method string, request object) (int, object) {
	f.t.Helper()
	key, err := f.env.APIKey(tenant)
	if err != nil {
		f.t.Fatal(err)
	}
	text, err := json.Marshal(request)
	if err != nil {
		f.t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+f.addrs[node]["api"]+"/hawser.v1.Publisher/"+method, bytes.NewReader(text))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header = http.Header{"Authorization": {"Bearer " + key}, "Content-Type": {"application/json"}}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	answer := object{}
	if err := json.Unmarshal(body, &answer); err != nil {
		f.t.Fatalf("%s answered %d with %.200q", method, resp.StatusCode, body)
	}
	return resp.StatusCode, answer
}

// hellos says Hello; its Close may come before its Welcome.
func (f *fleet) hellos(edge string, hello *wirepb.Hello) *raw {
	f.t.Helper()
	r := f.dial(edge)
	r.send(&wire.Hello{Body: hello})
	return r
}

// wantEnded expects that the phone's client gave up with a close code.
func (p *phone) wantEnded(code wire.CloseCode) {
	p.t.Helper()
	var closed *client.CloseError
	if err := p.run(); !errors.As(err, &closed) || closed.Code != code {
		p.t.Errorf("%s's %s ended with %v, want %d", p.user, p.name, err, code)
	}
}

// A backend's Disconnect ends the sessions on every edge at once; the user
// may come back with the same token.
func TestDisconnect(t *testing.T) {
	t.Parallel()
	f := twoOfEach(t)
	one := f.connect("rita", "phone", phoneOptions{})
	two := f.connect("rita", "tablet", phoneOptions{edge: secondNode})
	namesake := f.connect("rita", "phone", phoneOptions{edge: secondNode, tenant: tenantB})
	one.hears("before")

	f.call(secondNode, tenantA, "Disconnect", object{"user": "rita"})
	one.wantEnded(wire.CloseRemoved)
	two.wantEnded(wire.CloseRemoved)
	namesake.hears("another tenant's Rita is still there")
	f.connect("rita", "phone", phoneOptions{edge: secondNode}).hears("back again")
}

// With revoke_tokens an old token opens nothing, and a new one does.
func TestRevokeTokens(t *testing.T) {
	t.Parallel()
	f := twoOfEach(t)
	old := f.token(tenantA, "sven", "phone")
	answer := f.call(whole, tenantA, "Disconnect", object{"user": "sven", "revoke_tokens": true})
	if from, _ := answer["tokens_from_s"].(string); from == "" || from == "0" {
		t.Errorf("the answer %v does not say from when on tokens are taken", answer)
	}
	for _, edge := range []string{whole, secondNode} {
		r := f.hellos(edge, &wirepb.Hello{Token: old})
		if why := r.wantClose(wire.CloseUnauthenticated); !strings.Contains(why, "new one") {
			t.Errorf("closed with %q", why)
		}
	}
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // iat has whole seconds
	f.connect("sven", "phone", phoneOptions{edge: secondNode}).hears("with a new token")
}

// A deleted device loses its session, its record, its waiting push and its
// token; the user's other devices lose nothing.
func TestDeleteDevice(t *testing.T) {
	t.Parallel()
	f := twoOfEach(t)
	lost, kept := devmode.DeviceToken("tess", "phone"), devmode.DeviceToken("tess", "tablet")
	old := f.token(tenantA, "tess", "phone")
	phone := f.connect("tess", "phone", phoneOptions{pushToken: lost, edge: secondNode})
	tablet := f.connect("tess", "tablet", phoneOptions{pushToken: kept})
	f.waitRecords(2)

	f.call(whole, tenantA, "DeleteDevice", object{"user": "tess", "device": "phone"})
	if f.hasRecord(tenantA, "tess", "phone") {
		t.Error("the call was answered before the record was gone")
	}
	phone.wantEnded(wire.CloseRemoved)
	f.hellos(whole, &wirepb.Hello{Token: old, App: devmode.IOSApp, PushToken: lost}).wantClose(wire.CloseUnauthenticated)
	tablet.hears("on the tablet alone")
	tablet.close()
	f.publish(tenantA, event("tess", "messages", "to a tablet that is away"))
	f.waitPushed(kept, 1)
	if n := len(f.pushes(lost)); n != 0 {
		t.Errorf("%d pushes reached the deleted device", n)
	}
	if f.hasRecord(tenantA, "tess", "phone") {
		t.Error("the deleted device's old token brought its record back")
	}
}

// Nothing is left of a deleted user, and versions go on where they were.
func TestDeleteUser(t *testing.T) {
	t.Parallel()
	f := twoOfEach(t)
	token := devmode.DeviceToken("udo", "phone")
	old := f.token(tenantA, "udo", "phone")
	phone := f.connect("udo", "phone", phoneOptions{pushToken: token})
	tablet := f.connect("udo", "tablet", phoneOptions{edge: secondNode})
	neighbour := f.connect("udo2", "phone", phoneOptions{edge: secondNode})
	stays := neighbour.hears("to the neighbour")
	last := phone.hears("to Udo")
	f.waitRecords(1)

	f.call(secondNode, tenantA, "DeleteUser", object{"user": "udo"})
	phone.wantEnded(wire.CloseRemoved)
	tablet.wantEnded(wire.CloseRemoved)
	f.waitRecords(0)
	f.hellos(whole, &wirepb.Hello{Token: old, App: devmode.IOSApp, PushToken: token}).wantClose(wire.CloseUnauthenticated)

	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	store := &memory{}
	anew := f.connect("udo", "phone", phoneOptions{store: store})
	next := anew.hears("to the new Udo")
	if next <= last {
		t.Errorf("version %d follows %d", next, last)
	}
	if got := anew.heard("messages"); len(got) != 1 {
		t.Errorf("the new user was handed %d, want the new event alone", got)
	}
	fresh := f.connect("udo2", "tablet", phoneOptions{store: &memory{}})
	fresh.waitHeard("messages", stays)
}

// The calls refuse what they cannot do, by name.
func TestUserCallsRefuse(t *testing.T) {
	t.Parallel()
	f := startFleet(t, options{})
	for _, tt := range []struct {
		method  string
		request object
		words   string
	}{
		{"Disconnect", object{}, "user"},
		{"Disconnect", object{"user": "a b"}, "user"},
		{"Disconnect", object{"user": "a", "device": "d.e"}, "device"},
		{"DeleteDevice", object{"user": "a"}, "device"},
		{"DeleteUser", object{"user": "a.>"}, "user"},
		{"DeleteUser", object{"user": "*"}, "user"},
	} {
		status, answer := f.tryCall(whole, tenantA, tt.method, tt.request)
		if text, _ := answer["message"].(string); status != 400 || answer["code"] != "invalid_argument" || !strings.Contains(text, tt.words) {
			t.Errorf("%s %v answered %d %v", tt.method, tt.request, status, answer)
		}
	}
}

// Presence is answered by any router's door, for the tenant's users alone.
func TestPresence(t *testing.T) {
	t.Parallel()
	f := twoOfEach(t)
	f.connect("vera", "phone", phoneOptions{})
	f.connect("vera", "tablet", phoneOptions{edge: secondNode})
	for _, node := range []string{whole, secondNode} {
		eventually(t, node+" knows both", func() error {
			users, _ := f.call(node, tenantA, "Presence", object{"users": []string{"vera", "nobody"}})["users"].([]any)
			devices, _ := users[0].(object)["devices"].([]any)
			if len(users) != 2 || len(devices) != 2 {
				return errNotYet
			}
			for _, d := range devices {
				if d.(object)["state"] != "ONLINE" || d.(object)["epoch"] == nil {
					t.Errorf("%v", d)
				}
			}
			return nil
		})
		users, _ := f.call(node, tenantB, "Presence", object{"users": []string{"vera"}})["users"].([]any)
		if len(users) != 1 || users[0].(object)["devices"] != nil {
			t.Errorf("the other tenant is told %v", users)
		}
	}
	status, answer := f.tryCall(whole, tenantA, "Presence", object{})
	if status != 400 || answer["code"] != "invalid_argument" {
		t.Errorf("no users: %d %v", status, answer)
	}
}
