package routing

import (
	"slices"
	"strings"
	"testing"
)

func TestServices(t *testing.T) {
	c, err := NewCatalog([]Tenant{{
		Name: "a", Kinds: map[string]Kind{"x": {}, "own": {Backend: true}},
		Services:   []string{"orders", "reports.list", "mixed", "mixed.one"},
		Idempotent: []string{"orders.get", "reports.list"},
		HTTP: map[string]string{
			"sync.own": "https://own", "reports.list": "https://list", "mixed": "https://mixed", "mixed.one": "https://one",
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for call, want := range map[string]struct {
		allowed, idempotent bool
		url                 string
	}{
		"orders.get":   {true, true, ""},
		"orders.put":   {true, false, ""},
		"reports.list": {true, true, "https://list"},
		"reports.put":  {false, false, ""},
		"sync.own":     {true, true, "https://own"},
		"sync.x":       {true, true, ""},
		"mixed.one":    {true, false, "https://one"},
		"mixed.two":    {true, false, "https://mixed"},
		"other.get":    {false, false, ""},
	} {
		service, method, _ := strings.Cut(call, ".")
		url, ok := c.HTTPService("a", service, method)
		if c.ServiceAllowed("a", service, method) != want.allowed || c.Idempotent("a", service, method) != want.idempotent ||
			url != want.url || ok != (want.url != "") {
			t.Errorf("%s: allowed %v, idempotent %v, url %q", call, c.ServiceAllowed("a", service, method), c.Idempotent("a", service, method), url)
		}
		if c.ServiceAllowed("b", service, method) || c.Idempotent("b", service, method) {
			t.Errorf("%s: another tenant's", call)
		}
	}
	want := []string{"hawser.v1.up.a.mixed.*", "hawser.v1.up.a.reports.list", "hawser.v1.up.a.sync.own"}
	if got := c.UpstreamOverHTTP("a"); !slices.Equal(got, want) {
		t.Errorf("subjects %v, want %v", got, want)
	}
	if c.UpstreamOverHTTP("b") != nil {
		t.Error("subjects of an unknown tenant")
	}
}

func TestServicesRefused(t *testing.T) {
	kinds := map[string]Kind{"x": {}, "own": {Backend: true}}
	for words, tenant := range map[string]Tenant{
		"always there":       {Services: []string{"sync"}},
		"sync is always":     {Services: []string{"sync.own"}},
		"method":             {Services: []string{"a.b c"}},
		"itself":             {HTTP: map[string]string{"sync.x": "https://x"}},
		"backend numbers":    {HTTP: map[string]string{"sync": "https://x"}},
		"not call":           {HTTP: map[string]string{"orders": "https://x"}},
		"URL is empty":       {Services: []string{"orders"}, HTTP: map[string]string{"orders": ""}},
		"may not call":       {Idempotent: []string{"orders"}},
		"must match":         {Idempotent: []string{"or ders"}},
		"service \"orders\"": {Services: []string{"orders.one"}, Idempotent: []string{"orders"}},
	} {
		tenant.Name, tenant.Kinds = "a", kinds
		if _, err := NewCatalog([]Tenant{tenant}); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
	}
}
