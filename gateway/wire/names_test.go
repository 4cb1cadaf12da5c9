package wire

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestCheckID(t *testing.T) {
	if err := CheckID("user", "Anna_1-x"); err != nil {
		t.Error(err)
	}
	err := CheckID("user", "a b")
	if !errors.Is(err, ErrID) || err.Error() != `user "a b" must match [A-Za-z0-9_-]{1,64}` {
		t.Errorf("got %v", err)
	}
	if err := CheckID("user", strings.Repeat("\xff", 10_000)); len(err.Error()) > 500 {
		t.Errorf("an error of %d bytes", len(err.Error()))
	}
}

func TestCheckVersion(t *testing.T) {
	for v, ok := range map[int64]bool{1: true, MaxVersion: true, 0: false, -1: false, MaxVersion + 1: false} {
		if err := CheckVersion(v); (err == nil) != ok || !ok && !errors.Is(err, ErrVersion) {
			t.Errorf("CheckVersion(%d) = %v", v, err)
		}
	}
}

func TestKinds(t *testing.T) {
	kinds := Kinds{"contacts", "messages"}
	for name, want := range map[string]Kind{"contacts": {Number: 1}, "messages": {Number: 2}, "moments": {Name: "moments"}} {
		ref := kinds.Ref(name)
		if ref != want {
			t.Errorf("Ref(%q) = %v, want %v", name, ref, want)
		}
		if back, err := kinds.Name(ref); back != name || err != nil {
			t.Errorf("Name(%v) = %q, %v", ref, back, err)
		}
	}
	if _, err := kinds.Name(Kind{Number: 3}); !errors.Is(err, ErrMalformed) {
		t.Errorf("number 3 of 2: %v", err)
	}
	if _, err := kinds.Name(Kind{}); !errors.Is(err, ErrID) {
		t.Errorf("no number and no name: %v", err)
	}
}

func TestTypes(t *testing.T) {
	names := map[string]bool{}
	for _, typ := range []Type{TypeHello, TypePing, TypeAck, TypeRequest, TypeNetwork, TypeState, TypeToken, TypeBye} {
		names[typ.String()] = typ.FromDevice()
	}
	for _, typ := range []Type{TypeWelcome, TypePong, TypeNotify, TypeProbe, TypeResponse, TypeGoAway, TypeClose} {
		names[typ.String()] = !typ.FromDevice()
	}
	if len(names) != 15 {
		t.Errorf("%d different names for 15 types: %v", len(names), names)
	}
	for name, right := range names {
		if !right {
			t.Errorf("%s has the wrong direction", name)
		}
	}
}

// What the range of a code promises is what its advice says.
func TestCloseCodes(t *testing.T) {
	var named []CloseCode
	for c := range CloseCode(5000) {
		if !strings.HasPrefix(c.String(), "code ") {
			named = append(named, c)
		}
		if c.Reconnect() != (c >= 3000 && c < 3500) {
			t.Errorf("%d: Reconnect is %v", c, c.Reconnect())
		}
		if again := strings.HasPrefix(c.Advice(), "connect again"); again != c.Reconnect() {
			t.Errorf("%d %v: the advice is %q", c, c, c.Advice())
		}
	}
	want := []CloseCode{3000, 3001, 3002, 3003, 3004, 3005, 3006, 3007, 3500, 3501, 3502, 3503, 3504, 3505, 3506, 3507, 3508}
	if !slices.Equal(named, want) {
		t.Errorf("named codes are %d, want %d", named, want)
	}
}

func TestStatuses(t *testing.T) {
	seen := map[string]bool{}
	for s := range Status(11) {
		seen[s.String()] = true
	}
	if len(seen) != 11 || !seen["status_10"] {
		t.Errorf("names of 0 to 10: %v", seen)
	}
}
