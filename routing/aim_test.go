package routing

import (
	"slices"
	"testing"
)

func TestAim(t *testing.T) {
	two := func(besides string) string {
		if besides == "r1" {
			return "r2"
		}
		return "r1"
	}
	for _, tt := range []struct {
		name   string
		router func(string) string
		want   []string
	}{
		{"a service, or a part that hears no routers", nil, []string{"hw.q.x", "hw.q.x"}},
		{"no router is heard", func(string) string { return "" }, []string{"hw.q.x", "hw.q.x"}},
		{"two routers", two, []string{"hw.r.r1.q.x", "hw.r.r2.q.x", "hw.q.x", "hw.r.r1.q.x", "hw.r.r2.q.x", "hw.q.x"}},
	} {
		a := NewAim("hw.q.x", tt.router)
		var got []string
		for range tt.want {
			got = append(got, a.Next())
		}
		if !slices.Equal(got, tt.want) || a.Asked() != len(got) {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	a := NewAim("hw.q.x", two)
	if a.Next(); !a.Elsewhere() {
		t.Error("a router was asked by its name")
	}
	if got := a.Next(); got != "hw.q.x" || a.Elsewhere() {
		t.Errorf("%s after the router said that it is not the one", got)
	}
}
