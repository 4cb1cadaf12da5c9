package config

import (
	"reflect"
	"strings"
	"testing"
)

func TestServices(t *testing.T) {
	dir := exampleFiles(t)
	for yaml, want := range map[string]Services{
		"[echo, orders.create]":                  {"echo": "nats", "orders.create": "nats"},
		"{echo: , orders.create: nats}":          {"echo": "nats", "orders.create": "nats"},
		"{echo: http://127.0.0.1:8080/e?x=1}":    {"echo": "http://127.0.0.1:8080/e?x=1"},
		"{sync.account: https://a.example/sync}": {"sync.account": "https://a.example/sync"},
	} {
		content := strings.Replace(minimal, "    kinds:", "    service_secret_files: [secrets/ticket.key]\n    services: "+yaml+"\n    kinds:", 1)
		content = strings.Replace(content, "account: {}", "account: {numbered_by: backend}", 1)
		c, msg := parseIn(dir, content)
		if msg != "" {
			t.Errorf("%s: %s", yaml, msg)
			continue
		}
		if got := c.Tenants[0].Services; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", yaml, got, want)
		}
	}
	s := Services{"b": "nats", "a.x": "https://h", "sync.k": "https://h"}
	if names := s.Names(); !reflect.DeepEqual(names, []string{"a.x", "b"}) {
		t.Errorf("names %v", names)
	}
	if http := s.HTTP(); len(http) != 2 || http["b"] != "" {
		t.Errorf("http %v", http)
	}
}
