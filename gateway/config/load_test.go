package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// minimal is valid beside exampleFiles, with every role and nothing optional.
const minimal = `version: 1
name: edge-1
roles: [edge, router, push]
nats:
  urls: [nats://127.0.0.1:4222]
  users:
    edge: {password_file: secrets/nats-edge.password}
    router: {password_file: secrets/nats-router.password}
    push: {creds_file: secrets/nats-push.creds}
edge:
  tls: {cert_file: edge.pem, key_file: secrets/edge.key}
  ticket_key_file: secrets/ticket.key
push:
  apps:
    - {tenant: demo, app: com.example.chat, provider: apns, environment: sandbox, team_id: TEAM123456, key_id: KEY1234567, key_file: secrets/apns.p8}
    - {tenant: demo, app: example-chat, provider: fcm, credentials_file: secrets/fcm.json}
tenants:
  - name: demo
    jwks_files: [demo.jwks.json]
    api_key_files: [secrets/demo.key]
    kinds:
      messages: {push: {title: News}}
      account: {}
`

// parseIn parses beside the files in dir. The error's text has dir taken out.
func parseIn(dir, content string, env ...string) (*Config, string) {
	c, err := Parse(filepath.Join(dir, "hawser.yaml"), []byte(content), env)
	if err == nil {
		return c, ""
	}
	return c, strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), "")
}

func TestDefaults(t *testing.T) {
	dir := exampleFiles(t)
	c, msg := parseIn(dir, minimal)
	if msg != "" {
		t.Fatal(msg)
	}
	for _, tc := range []struct {
		field     string
		got, want any
	}{
		{"site", c.Site, "local"},
		{"log.level", c.Log.Level, "info"},
		{"nats.replicas", c.NATS.Replicas, 3},
		{"nats.users.router.user", c.NATS.Users.Router.User, "router-edge-1"},
		{"nats.users.push.user", c.NATS.Users.Push.User, ""},
		{"edge.listen", c.Edge.Listen, ":443"},
		{"edge.post_quantum", c.Edge.PostQuantum, On},
		{"edge.hello_timeout", c.Edge.HelloTimeout, 10 * time.Second},
		{"edge.write_timeout", c.Edge.WriteTimeout, 20 * time.Second},
		{"router.api.listen", c.Router.API.Listen, "127.0.0.1:7480"},
		{"router.ack_wait", c.Router.AckWait, 4 * time.Second},
		{"push.apps[0].topic", c.Push.Apps[0].Topic, "com.example.chat"},
		{"push.apps[1].topic", c.Push.Apps[1].Topic, ""},
		{"messages.push.mode", c.Tenants[0].Kinds["messages"].Push.Mode, PushAlert},
		{"account.push.mode", c.Tenants[0].Kinds["account"].Push.Mode, PushBackground},
		{"account.keep", c.Tenants[0].Kinds["account"].Keep, 16},
		{"admin.listen", c.Admin.Listen, "127.0.0.1:7490"},
	} {
		if !reflect.DeepEqual(tc.got, tc.want) {
			t.Errorf("%s = %v, want %v", tc.field, tc.got, tc.want)
		}
	}
}

func TestOnlySectionsOfRolesAreNeeded(t *testing.T) {
	dir := exampleFiles(t)
	c, msg := parseIn(dir, `version: 1
name: r1
roles: [router]
nats: {urls: ["nats://127.0.0.1:4222"], users: {router: {password_file: secrets/nats-router.password}}}
tenants: [{name: demo, jwks_files: [demo.jwks.json], kinds: {messages: }}]
`)
	if msg != "" {
		t.Fatal(msg)
	}
	if !c.Has(RoleRouter) || c.Has(RoleEdge) {
		t.Errorf("roles = %v", c.Roles)
	}
}

func TestBadConfigurations(t *testing.T) {
	dir := exampleFiles(t)
	writeFile(t, filepath.Join(dir, "short.key"), "short")
	writeFile(t, filepath.Join(dir, "empty"), "")
	for _, tc := range []struct{ name, old, new, want string }{
		{"unknown field", "ticket_key_file:", "ticket_keyfile:", `hawser.yaml:10: edge.ticket_key_file: is required: name a file
hawser.yaml:12: edge.ticket_keyfile: no such field: did you mean ticket_key_file?`},
		{"unknown field, nothing near", "push:\n  apps", "push:\n  zzz: 1\n  apps", `hawser.yaml:14: push.zzz: no such field: there are apps, confirm_removal, gather`},
		{"unknown kind field", "{push: {title: News}}", "{pusch: {title: News}}", `hawser.yaml:22: tenants[0].kinds.messages.pusch: no such field: did you mean push?`},
		{"duplicate field", "name: edge-1\n", "name: edge-1\nname: edge-2\n", `hawser.yaml:3: name: given twice, first on line 2: keep one`},
		{"duplicate kind", "account:", "messages:", `hawser.yaml:23: tenants[0].kinds.messages: given twice, first on line 22: keep one`},
		{"duplicate tenant", "tenants:\n", "tenants:\n  - {name: demo, jwks_files: [demo.jwks.json], kinds: {a: {}}}\n", `hawser.yaml:19: tenants[1].name: "demo" stands already in tenants[0]: keep one`},
		{"version", "version: 1", "version: 2", `hawser.yaml:1: version: must be 1: begin the file with the line version: 1`},
		{"no version", "version: 1\n", "", `hawser.yaml: version: must be 1: begin the file with the line version: 1`},
		{"name", "edge-1", "edge 1", `hawser.yaml:2: name: "edge 1" must match [A-Za-z0-9_-]{1,64}`},
		{"role", "[edge, router, push]", "[edge, router, push, pusher]", `hawser.yaml:3: roles[3]: "pusher" must be edge, router or push`},
		{"role twice", "[edge, router, push]", "[edge, router, push, edge]", `hawser.yaml:3: roles[3]: names edge a second time: leave one`},
		{"roles no list", "[edge, router, push]", "edge", `hawser.yaml:3: roles: must be a list: write [a, b] or one "- item" a line`},
		{"section no section", "nats:\n", "nats: 7\nsite: x\nlog:\n", `hawser.yaml:4: nats: must be a section of fields, one "name: value" a line
hawser.yaml:7: log.urls: no such field: there are level
hawser.yaml:9: log.users: no such field: there are level`},
		{"password in a URL", "nats://127", "nats://u:hunter2@127", `hawser.yaml:5: nats.urls[0]: holds a user: take it out and name it in nats.users, the password in a file`},
		{"URL scheme", "nats://127", "http://127", `hawser.yaml:5: nats.urls[0]: begins with "http": it must be nats, tls, ws or wss`},
		{"replicas", "  users:", "  replicas: 2\n  users:", `hawser.yaml:6: nats.replicas: is 2: it must be 1, 3 or 5`},
		{"no login", "edge: {password_file: secrets/nats-edge.password}", "edge: {user: x}", `hawser.yaml:7: nats.users.edge: needs password_file or creds_file: the role edge logs in to NATS with it`},
		{"two logins", "edge: {password_file", "edge: {creds_file: secrets/nats-push.creds, password_file", `hawser.yaml:7: nats.users.edge.creds_file: stands beside user or password_file: keep one of the two ways`},
		{"missing file", "secrets/nats-router.password", "nowhere", `hawser.yaml:8: nats.users.router.password_file: cannot read nowhere: no such file or directory: correct the path or its permissions`},
		{"directory", "secrets/nats-router.password", "secrets", `hawser.yaml:8: nats.users.router.password_file: cannot read secrets: secrets is not a regular file: correct the path or its permissions`},
		{"empty file", "secrets/nats-router.password", "empty", `hawser.yaml:8: nats.users.router.password_file: empty is empty: put the content in or name another file`},
		{"short key", "secrets/ticket.key", "short.key", `hawser.yaml:12: edge.ticket_key_file: short.key holds 5 bytes: at least 32 are needed, for example from openssl rand -hex 32`},
		{"not a certificate", "cert_file: edge.pem", "cert_file: demo.jwks.json", `hawser.yaml:11: edge.tls: certificate and key do not fit: failed to find any PEM data in certificate input`},
		{"expired certificate", "{cert_file: edge.pem, key_file: secrets/edge.key}", "{cert_file: expired.pem, key_file: expired.key}", `hawser.yaml:11: edge.tls.cert_file: expired.pem expired on 2020-03-01: clients would refuse it, renew it`},
		{"no certificate authority", "  users:", "  ca_file: short.key\n  users:", `hawser.yaml:6: nats.ca_file: short.key holds no certificate in PEM`},
		{"listen", "  tls: {cert_file", "  listen: 7443\n  tls: {cert_file", `hawser.yaml:11: edge.listen: "7443" is not host:port: write for example :7443 or 127.0.0.1:7443`},
		{"transport", "  tls: {cert_file", "  transports: [tcp, udp]\n  tls: {cert_file", `hawser.yaml:11: edge.transports[1]: "udp" must be tcp or quic`},
		{"transport twice", "  tls: {cert_file", "  transports: [tcp, tcp]\n  tls: {cert_file", `hawser.yaml:11: edge.transports[1]: names tcp a second time: leave one`},
		{"shared port without TCP", "  tls: {cert_file", "  share_port: true\n  transports: [quic]\n  tls: {cert_file", `hawser.yaml:11: edge.share_port: is for TCP, which edge.transports does not list: add tcp or leave share_port out`},
		{"shared port of any number", "  tls: {cert_file", "  share_port: true\n  listen: :0\n  tls: {cert_file", `hawser.yaml:11: edge.share_port: needs a port that the other processes know: edge.listen takes any free one`},
		{"proxy", "  tls: {cert_file", "  proxy_protocol_from: [192.0.2.1]\n  tls: {cert_file", `hawser.yaml:11: edge.proxy_protocol_from[0]: "192.0.2.1" is no network: write for example 192.0.2.0/24 or 2001:db8::/32`},
		{"proxy, as IPv6 has it", "  tls: {cert_file", "  proxy_protocol_from: [\"::ffff:192.0.2.0/120\"]\n  tls: {cert_file", `hawser.yaml:11: edge.proxy_protocol_from[0]: "::ffff:192.0.2.0/120" is no network: write for example 192.0.2.0/24 or 2001:db8::/32`},
		{"exempt source", "  tls: {cert_file", "  admission: {exempt_sources: [10.0.0.0/8, \"::ffff:192.0.2.0/120\"]}\n  tls: {cert_file", `hawser.yaml:11: edge.admission.exempt_sources[1]: "::ffff:192.0.2.0/120" is no network: write for example 192.0.2.0/24 or 2001:db8::/32`},
		{"everybody a proxy", "  tls: {cert_file", "  proxy_protocol_from: [\"::/0\"]\n  tls: {cert_file", `hawser.yaml:11: edge.proxy_protocol_from[0]: is everybody, who could then name any address as his: list the proxies`},
		{"duration", "  tls: {cert_file", "  hello_timeout: 10\n  tls: {cert_file", `hawser.yaml:11: edge.hello_timeout: "10" is not a duration: write for example 500ms, 10s, 2m or 24h`},
		{"duration bounds", "push:\n  apps", "push:\n  gather: 1h\n  apps", `hawser.yaml:14: push.gather: is 1h0m0s: it must be 1ms to 1m0s`},
		{"number", "  tls: {cert_file", "  max_connections: many\n  tls: {cert_file", `hawser.yaml:11: edge.max_connections: "many" is not a whole number`},
		{"negative", "  tls: {cert_file", "  max_connections: -1\n  tls: {cert_file", `hawser.yaml:11: edge.max_connections: is -1: it must be 1 to 10000000`},
		{"request timeouts", "  tls: {cert_file", "  limits: {request_timeout: 60s}\n  tls: {cert_file", `hawser.yaml:11: edge.limits.max_request_timeout: is 30s, below request_timeout 1m0s: raise it or lower the other`},
		{"ack wait", "push:\n  apps", "router: {ack_wait: 1s}\npush:\n  apps", `hawser.yaml:13: router.ack_wait: is 1s: it must be 3s to 30s`},
		{"inbox", "push:\n  apps", "router: {inbox_max_bytes: 1000}\npush:\n  apps", `hawser.yaml:13: router.inbox_max_bytes: is 1000: give at least 1048576 bytes, or 0 for the default`},
		{"half a certificate", "push:\n  apps", "router: {api: {tls: {cert_file: api.pem}}}\npush:\n  apps", `hawser.yaml:13: router.api.tls.key_file: is required: name a file`},
		{"provider", "provider: fcm", "provider: gcm", `hawser.yaml:16: push.apps[1].provider: "gcm" must be apns or fcm`},
		{"environment", "environment: sandbox, ", "", `hawser.yaml:15: push.apps[0].environment: is required: give production or sandbox`},
		{"team", "TEAM123456", "TEAM", `hawser.yaml:15: push.apps[0].team_id: is "TEAM": Apple gives it ten characters`},
		{"key id twice", "team_id: TEAM123456,", "team_id: TEAM123456, key_id_file: secrets/apns-mail.id,", `hawser.yaml:15: push.apps[0].key_id_file: stands beside key_id: keep one of the two`},
		{"no variable", "credentials_file: secrets/fcm.json", "secret_env: NO_SUCH_VARIABLE", `hawser.yaml:16: push.apps[1].secret_env: cannot be used: the environment variable NO_SUCH_VARIABLE is empty or not set`},
		{"file and variable", "credentials_file: secrets/fcm.json", "credentials_file: secrets/fcm.json, secret_env: X", `hawser.yaml:16: push.apps[1].secret_env: stands beside credentials_file: keep one of the two`},
		{"pasted key", "credentials_file: secrets/fcm.json", "credentials_file: '{private_key: hunter2}'", `hawser.yaml:16: push.apps[1].credentials_file: holds a secret itself: put it into a file and name that`},
		{"pasted variable", "credentials_file: secrets/fcm.json", "secret_env: '-----BEGIN PRIVATE KEY-----'", `hawser.yaml:16: push.apps[1].secret_env: holds a secret: name the environment variable that does`},
		{"token removal", "credentials_file: secrets/fcm.json", "credentials_file: secrets/fcm.json, token_removal: maybe", `hawser.yaml:16: push.apps[1].token_removal: "maybe" must be guarded, trusted or never`},
		{"field of the other provider", "credentials_file: secrets/fcm.json", "credentials_file: secrets/fcm.json, topic: x", `hawser.yaml:16: push.apps[1].topic: belongs to apns: an fcm app has credentials_file only`},
		{"plain endpoint", "credentials_file: secrets/fcm.json", "credentials_file: secrets/fcm.json, endpoint: 'http://fcm.example.com'", `hawser.yaml:16: push.apps[1].endpoint: is plain HTTP to "fcm.example.com": use https, push tokens travel there`},
		{"tenant of an app", "{tenant: demo, app: example-chat", "{tenant: other, app: example-chat", `hawser.yaml:16: push.apps[1].tenant: is "other": name one of tenants, whose devices use the application`},
		{"app twice", "{tenant: demo, app: example-chat, ", "{tenant: demo, app: example-chat, provider: fcm, credentials_file: secrets/fcm.json}\n    - {tenant: demo, app: example-chat, ", `hawser.yaml:17: push.apps[2].app: "example-chat" stands already in push.apps[1]: keep one`},
		{"no keys of devices", "    jwks_files: [demo.jwks.json]\n", "", `hawser.yaml:18: tenants[0].jwks_files: is required by the roles edge and router: name a file of public keys, hawser token --new-key makes one`},
		{"sync as a service", "    kinds:", "    services: [echo, sync]\n    kinds:", `hawser.yaml:21: tenants[0].services.sync: sync is always there: leave it out, or give sync.KIND a URL`},
		{"service twice", "    kinds:", "    services: [echo, echo]\n    kinds:", `hawser.yaml:21: tenants[0].services[1]: names "echo" a second time: leave one`},
		{"service's name", "    kinds:", "    services: {a b: nats}\n    kinds:", `hawser.yaml:21: tenants[0].services.a b: "a b" must match [A-Za-z0-9_-]{1,64}`},
		{"method's name", "    kinds:", "    services: {a.b.c: nats}\n    kinds:", `hawser.yaml:21: tenants[0].services.a.b.c: "b.c" must match [A-Za-z0-9_-]{1,64}`},
		{"sync of hawser's kind", "    kinds:", "    service_secret_files: [secrets/ticket.key]\n    services: {sync.messages: https://a.example}\n    kinds:", `hawser.yaml:22: tenants[0].services.sync.messages: hawser answers sync of this kind itself: leave it out, or set numbered_by: backend for the kind`},
		{"service no URL", "    kinds:", "    service_secret_files: [secrets/ticket.key]\n    services: {echo: ftp://hunter2}\n    kinds:", `hawser.yaml:22: tenants[0].services.echo: must be nats or a URL: write for example https://api.example.com/hawser`},
		{"service with a password", "    kinds:", "    service_secret_files: [secrets/ticket.key]\n    services: {echo: https://u:hunter2@a.example}\n    kinds:", `hawser.yaml:22: tenants[0].services.echo: holds a user: take it out, calls are signed with service_secret_files instead`},
		{"service without TLS", "    kinds:", "    service_secret_files: [secrets/ticket.key]\n    services: {echo: http://a.example}\n    kinds:", `hawser.yaml:22: tenants[0].services.echo: is plain HTTP to another machine: use https, the tokens of devices travel there`},
		{"service without a secret", "    kinds:", "    services: {echo: https://a.example}\n    kinds:", `hawser.yaml:18: tenants[0].service_secret_files: is required where services have URLs: name a file with the secret that calls are signed with, openssl rand -hex 32 makes one`},
		{"short service secret", "    kinds:", "    service_secret_files: [short.key]\n    kinds:", `hawser.yaml:21: tenants[0].service_secret_files[0]: short.key holds 5 bytes: at least 32 are needed, for example from openssl rand -hex 32`},
		{"idempotent", "    kinds:", "    services: [echo]\n    idempotent: [ecco]\n    kinds:", `hawser.yaml:22: tenants[0].idempotent[0]: "ecco" is not among services: devices may not call it`},
		{"kind's name", "account:", "a.b:", `hawser.yaml:23: tenants[0].kinds.a.b: "a.b" must match [A-Za-z0-9_-]{1,64}`},
		{"numbered by", "account: {}", "account: {numbered_by: me}", `hawser.yaml:23: tenants[0].kinds.account.numbered_by: "me" must be hawser or backend`},
		{"keep", "account: {}", "account: {keep: 3}", `hawser.yaml:23: tenants[0].kinds.account.keep: is 3: it must be 16 to 10000`},
		{"urgency", "account: {}", "account: {urgency: high}", `hawser.yaml:23: tenants[0].kinds.account.urgency: "high" must be LOW, NORMAL or HIGH`},
		{"empty alert", "account: {}", "account: {push: {mode: alert}}", `hawser.yaml:23: tenants[0].kinds.account.push.mode: alert shows something: give a title or a body, or choose background`},
		{"push classes", "account: {}", "account: {push: {class: messages}}\n      b: {}\n      c: {}\n      d: {}\n      e: {}", `hawser.yaml:21: tenants[0].kinds: have 5 push classes (b, c, d, e, messages): Firebase keeps at most 4 collapse keys a device, so give kinds whose pushes may replace one another one push.class`},
		{"ttl", "account: {}", "account: {push: {ttl: 9000h}}", `hawser.yaml:23: tenants[0].kinds.account.push.ttl: is 9000h0m0s: it must be 1s to 672h0m0s`},
		{"alias", "account: {}", "account: &a {}", `hawser.yaml:23: tenants[0].kinds.account: uses a YAML anchor or alias: write the value out`},
		{"key that is no name", "account: {}", "[a]: {}", `hawser.yaml:23: tenants[0].kinds: has a key that is not a name: write name: value`},
		{"syntax", "roles: [edge", "roles: [edge:\n  {", `hawser.yaml:4: is not YAML: did not find expected node content`},
		{"two documents", "tenants:", "---\ntenants:", `hawser.yaml: holds more than one YAML document: keep one and remove the line ---`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			content := strings.Replace(minimal, tc.old, tc.new, 1)
			if content == minimal {
				t.Fatalf("the test changes nothing: %q is not in the configuration", tc.old)
			}
			c, msg := parseIn(dir, content)
			if msg == "" || c != nil {
				t.Fatal("accepted")
			}
			if msg != tc.want {
				t.Errorf("got\n%s\nwant\n%s", msg, tc.want)
			}
			if strings.Contains(msg, "hunter2") {
				t.Error("the error shows a password")
			}
		})
	}
}

func TestEmptyFile(t *testing.T) {
	for _, content := range []string{"", "# nothing\n"} {
		_, msg := parseIn(t.TempDir(), content)
		if want := "hawser.yaml: is empty: begin with version: 1, or copy the example from hawser config example"; msg != want {
			t.Errorf("%q: got %q, want %q", content, msg, want)
		}
	}
}

func TestLoadMissing(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "none.yaml"), nil)
	if !errors.Is(err, os.ErrNotExist) || errors.Is(err, ErrInvalid) {
		t.Errorf("error = %v, want one that says the file is missing", err)
	}
}

func TestErrorsAreTyped(t *testing.T) {
	_, err := Parse("x.yaml", []byte("version: 7\n"), nil)
	var typed *Error
	if !errors.As(err, &typed) || !errors.Is(err, ErrInvalid) {
		t.Fatalf("error %T is not a typed one", err)
	}
	if p := typed.Problems[len(typed.Problems)-1]; p.Path != "version" || p.Line != 1 {
		t.Errorf("last problem = %+v, want version on line 1", p)
	}
}
