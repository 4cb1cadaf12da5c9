package routing

import (
	"slices"
	"strings"
	"testing"
)

func TestCatalog(t *testing.T) {
	c, err := NewCatalog([]Tenant{
		{Name: "b", APIKeys: []KeyHash{HashKey("k2"), HashKey("k3")}, Kinds: map[string]Kind{"x": {Keep: 40}, "a": {Push: PushDefaults{Title: "T"}}}, Services: []string{"orders"}},
		{Name: "a", APIKeys: []KeyHash{HashKey("k1")}, Kinds: map[string]Kind{"x": {Backend: true, Push: PushDefaults{Mode: PushNone}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Kinds("b"), []string{"a", "x"}) || c.Kinds("nobody") != nil || c.MaxKeep() != 40 {
		t.Errorf("kinds %v, keep %d", c.Kinds("b"), c.MaxKeep())
	}
	k, ok := c.Kind("b", "a")
	if !ok || k.Name != "a" || k.Urgency != UrgencyNormal || k.Keep != MinKeep || k.Push.Mode != PushAlert {
		t.Errorf("defaults of a kind: %+v", k)
	}
	for key, want := range map[string]string{"k1": "a", "k2": "b", "k3": "b", "k4": "", "": ""} {
		if got, _ := c.TenantByKey(key); got != want {
			t.Errorf("key %q names %q, want %q", key, got, want)
		}
	}
	if !c.ServiceAllowed("b", "orders", "m") || !c.ServiceAllowed("a", ServiceSync, "m") || c.ServiceAllowed("a", "orders", "m") || c.ServiceAllowed("nobody", ServiceSync, "m") {
		t.Error("the list of services is not followed")
	}
}

func TestCatalogRefuses(t *testing.T) {
	kinds := map[string]Kind{"x": {}}
	tests := map[string][]Tenant{
		"tenant":       {{Name: "a.b", Kinds: kinds}},
		"twice":        {{Name: "a", Kinds: kinds}, {Name: "a", Kinds: kinds}},
		"in common":    {{Name: "a", Kinds: kinds, APIKeys: []KeyHash{HashKey("k")}}, {Name: "b", Kinds: kinds, APIKeys: []KeyHash{HashKey("k")}}},
		"0 kinds":      {{Name: "a"}},
		"kind":         {{Name: "a", Kinds: map[string]Kind{"x y": {}}}},
		"keeps":        {{Name: "a", Kinds: map[string]Kind{"x": {Keep: 3}}}},
		"urgency":      {{Name: "a", Kinds: map[string]Kind{"x": {Urgency: 4}}}},
		"push mode":    {{Name: "a", Kinds: map[string]Kind{"x": {Push: PushDefaults{Mode: "loud"}}}}},
		"service":      {{Name: "a", Kinds: kinds, Services: []string{"a.b.c"}}},
		"not be negat": {{Name: "a", Kinds: kinds, MaxEventsPerSecond: -1}},
	}
	for words, tenants := range tests {
		if _, err := NewCatalog(tenants); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
	}
}
