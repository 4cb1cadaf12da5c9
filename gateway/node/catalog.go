package node

import (
	"fmt"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/metric"
	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/routing"
)

// newCatalog turns the configured tenants into what routing works with. Keys
// are read only where backends are served: an edge, which stands in the open,
// need not hold them.
func newCatalog(tenants []config.Tenant, keys bool) (*routing.Catalog, error) {
	out := make([]routing.Tenant, 0, len(tenants))
	for _, t := range tenants {
		converted, err := tenant(t, keys)
		if err != nil {
			return nil, err
		}
		out = append(out, converted)
	}
	return routing.NewCatalog(out)
}

func tenant(t config.Tenant, keys bool) (routing.Tenant, error) {
	out := routing.Tenant{
		Name:               t.Name,
		Kinds:              make(map[string]routing.Kind, len(t.Kinds)),
		Services:           t.Services.Names(),
		HTTP:               t.Services.HTTP(),
		Idempotent:         t.Idempotent,
		PresenceEvents:     t.PresenceEvents,
		MaxDevices:         t.MaxDevices,
		MaxDevicesPerClass: t.MaxDevicesPerClass,
		MaxEventsPerSecond: float64(t.MaxEventsPerSecond),
	}
	for _, file := range t.APIKeyFiles {
		if !keys {
			break
		}
		key, err := file.ReadTrimmed()
		if err != nil {
			return out, fmt.Errorf("read an API key of tenant %s: %w", t.Name, err)
		}
		out.APIKeys = append(out.APIKeys, routing.HashKey(string(key)))
	}
	for name, k := range t.Kinds {
		converted, err := kind(name, k)
		if err != nil {
			return out, fmt.Errorf("kind %s of tenant %s: %w", name, t.Name, err)
		}
		out.Kinds[name] = converted
	}
	return out, nil
}

func kind(name string, k config.Kind) (routing.Kind, error) {
	urgency, err := routing.ParseUrgency(k.Urgency)
	if err != nil {
		return routing.Kind{}, err
	}
	quiet := k.Push.QuietHours.Parse()
	return routing.Kind{
		Name:    name,
		Backend: k.NumberedBy == config.NumberedByBackend,
		Keep:    k.Keep,
		Urgency: urgency,
		Push: routing.PushDefaults{
			Class: k.Push.Class, Mode: k.Push.Mode, Window: k.Push.Window, Strict: k.Push.Strict,
			Title: k.Push.Title, Body: k.Push.Body, Sound: k.Push.Sound, Channel: k.Push.Channel, AsIs: k.Push.AsIs,
			TTL: k.Push.TTL, Once: k.Push.Once,
			QuietFrom: quiet.From, QuietTo: quiet.To, QuietZone: quiet.Zone,
		},
	}, nil
}

// pushPolicy tells the push role what a kind's pushes show by default.
func pushPolicy(catalog *routing.Catalog) push.Policy {
	return func(tenant, kind string) push.Defaults {
		k, _ := catalog.Kind(tenant, kind)
		return push.Defaults{
			Class: k.Push.Class, Title: k.Push.Title, Body: k.Push.Body,
			Sound: k.Push.Sound, TTL: k.Push.TTL, Once: k.Push.Once, Channel: k.Push.Channel, AsIs: k.Push.AsIs,
			Quiet: push.Quiet{From: k.Push.QuietFrom, To: k.Push.QuietTo, Zone: k.Push.QuietZone},
			Mode:  k.Push.Mode,
		}
	}
}

// countReloads shows operators that a changed file of keys could not be used.
func countReloads(v *token.Verifier, p parts, role config.Role) {
	metric.For(p.registry, "token").With("role", string(role)).CounterFunc("reload_failures_total",
		"Times that a changed file of keys could not be used; the old keys stay.",
		func() float64 { return float64(v.ReloadFailures()) })
}

// tokenSources lists the files of keys that may vouch for devices.
func tokenSources(tenants []config.Tenant) []token.Source {
	var sources []token.Source
	for _, t := range tenants {
		for _, file := range t.JWKSFiles {
			sources = append(sources, token.Source{Tenant: t.Name, JWKSFile: string(file)})
		}
	}
	return sources
}
