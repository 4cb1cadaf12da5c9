package config

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestEnvironmentOverrides(t *testing.T) {
	dir := exampleFiles(t)
	c, msg := parseIn(dir, minimal,
		"HAWSER_NATS_URLS=nats://a:4222, nats://b:4222",
		"HAWSER_EDGE_LISTEN=:9443",
		"HAWSER_EDGE_HELLO_TIMEOUT=3s",
		"HAWSER_EDGE_TLS_CERT_FILE=api.pem",
		"HAWSER_EDGE_TLS_KEY_FILE=secrets/api.key",
		"HAWSER_NATS_USERS_EDGE_USER=other",
		"HAWSER_ROLES=edge,push",
		"HAWSER_NAME=",
		"HAWSER_VERSION=0.4.1",
		"HAWSER_SERVICE_HOST=10.0.0.1",
	)
	if msg != "" {
		t.Fatal(msg)
	}
	for _, tc := range []struct {
		field     string
		got, want any
	}{
		{"nats.urls", c.NATS.URLs, []string{"nats://a:4222", "nats://b:4222"}},
		{"edge.listen", c.Edge.Listen, ":9443"},
		{"edge.hello_timeout", c.Edge.HelloTimeout, 3 * time.Second},
		{"edge.tls.cert_file", c.Edge.TLS.CertFile, File(filepath.Join(dir, "api.pem"))},
		{"nats.users.edge.user", c.NATS.Users.Edge.User, "other"},
		{"roles", c.Roles, []Role{RoleEdge, RolePush}},
		{"name, as an empty variable counts as not set", c.Name, "edge-1"},
		{"version, which only the file sets", c.Version, 1},
	} {
		if !reflect.DeepEqual(tc.got, tc.want) {
			t.Errorf("%s = %v, want %v", tc.field, tc.got, tc.want)
		}
	}
}

func TestEnvironmentIsBlamed(t *testing.T) {
	dir := exampleFiles(t)
	for _, tc := range []struct{ env, want string }{
		{"HAWSER_EDGE_LISTEN=9443", `HAWSER_EDGE_LISTEN: edge.listen: "9443" is not host:port: write for example :7443 or 127.0.0.1:7443`},
		{"HAWSER_ADMIN_DEBUG=yes", `HAWSER_ADMIN_DEBUG: admin.debug: "yes" must be true or false`},
		{"HAWSER_NATS_REPLICAS=two", `HAWSER_NATS_REPLICAS: nats.replicas: "two" is not a whole number`},
		{"HAWSER_ROLES=edge,rooter", `HAWSER_ROLES: roles[1]: "rooter" must be edge, router or push`},
		{"HAWSER_EDGE_TICKET_KEY_FILE=gone", `HAWSER_EDGE_TICKET_KEY_FILE: edge.ticket_key_file: cannot read gone: no such file or directory: correct the path or its permissions`},
	} {
		if _, msg := parseIn(dir, minimal, tc.env); msg != tc.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tc.env, msg, tc.want)
		}
	}
}

func TestEnvironmentSlips(t *testing.T) {
	got := EnvSlips([]string{
		"HAWSER_EDGE_LISTN=:1", "HAWSER_EDGE_LISTEN=:1", "PATH=/bin", "HAWSER_VERSION=1", "HAWSER_API=x", "HAWSER_API_KEY_FILE=x",
		"HAWSER_DEV_DIR=x", "HAWSER_SERVICE_HOST=x", "HAWSER_EDGE_PORT=tcp://10.0.0.1:443", "HAWSER_EDGE_PORT_443_TCP_ADDR=x",
		"HAWSER_ROUTER_SERVICE_PORT=1", "HAWSER_PORT=1",
	})
	if want := []string{"HAWSER_EDGE_LISTN sets nothing: did you mean HAWSER_EDGE_LISTEN?"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestEnvironmentNamesAreUnique guards the rule of the names: a.b_c and a_b.c
// would share one.
func TestEnvironmentNamesAreUnique(t *testing.T) {
	count := 0
	walkScalars("", reflect.TypeFor[Config](), func(string) { count++ })
	if got := len(envFields()); got != count-1 {
		t.Errorf("%d names for %d fields without version", got, count-1)
	}
}

// TestEveryFieldCanBeRead walks the types that the decoder would panic on.
func TestEveryFieldCanBeRead(t *testing.T) {
	readable := []string{"bool", "string", "int", "int64", "config.Role", "config.File", "config.SecretFile", "config.SecretEnv", "time.Duration"}
	var walk func(path string, typ reflect.Type)
	walk = func(path string, typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Struct:
			for i := range typ.NumField() {
				walk(path+"."+yamlName(typ.Field(i)), typ.Field(i).Type)
			}
		case reflect.Slice, reflect.Map:
			walk(path+"[]", typ.Elem())
		default:
			if !slices.Contains(readable, typ.String()) {
				t.Errorf("%s has type %s: teach decoder.plain", strings.TrimPrefix(path, "."), typ)
			}
		}
	}
	walk("", reflect.TypeFor[Config]())
}
