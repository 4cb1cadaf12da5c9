package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/session"
)

// connect runs the command beside the edge's dev state.
func (e *testEdge) connect(ctx context.Context, args ...string) <-chan result {
	done := make(chan result, 1)
	args = append([]string{"connect", "--user", "alice", "--device", "phone"}, args...)
	go func() { done <- cliWith(ctx, e.t, []string{"HAWSER_DEV_DIR=" + e.dir}, "", args...) }()
	return done
}

func TestConnectPrintsEvents(t *testing.T) {
	for _, transport := range []string{"tcp", "quic", "auto"} {
		t.Run(transport, func(t *testing.T) {
			e := startEdge(t)
			done := e.connect(t.Context(), "--transport", transport, "--once", "2")
			conn := want(t, e.registered, "registration").Conn
			e.publish(conn, 7, "hello")
			if a := want(t, e.answers, "acknowledgement"); a.State != session.Acked || a.Acked != 7 {
				t.Errorf("the router hears %+v, want 7 acknowledged", a)
			}
			e.publish(conn, 9, "bell\a and escape\x1b[2J")
			got := want(t, done, "end of connect")
			if got.code != exitOK || got.stderr != "" {
				t.Fatalf("%+v", got)
			}
			for _, part := range []string{
				"connecting  to " + e.addr + "\n",
				"connected   to edge test-edge over ",
				`messages    version 7  "hello"` + "\n",
				`messages    version 9  "bell\a and escape\x1b[2J"` + "\n",
				"stopped\n",
			} {
				if !strings.Contains(got.stdout, part) {
					t.Errorf("stdout lacks %q:\n%s", part, got.stdout)
				}
			}
			if strings.Contains(got.stdout, "\x1b") {
				t.Error("an item can command the terminal")
			}
			// The last event is acknowledged before the command ends.
			if a := want(t, e.answers, "acknowledgement"); a.State != session.Acked || a.Acked != 9 {
				t.Errorf("the router hears %+v, want 9 acknowledged", a)
			}
		})
	}
}

func TestConnectJSON(t *testing.T) {
	e := startEdge(t)
	done := e.connect(t.Context(), "--json", "--once", "1")
	e.publish(want(t, e.registered, "registration").Conn, 1<<53-1, "a\x00b")
	got := want(t, done, "end of connect")
	var schemas []string
	for line := range strings.Lines(got.stdout) {
		if !strings.HasPrefix(line, `{"schema":"hawser.connect.`) {
			t.Errorf("line %q does not begin with its schema", line)
		}
		var l eventLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		schemas = append(schemas, l.Schema)
		if l.Schema == "hawser.connect.event/1" {
			if l.Version != "9007199254740991" || string(l.Item) != "a\x00b" || l.Text != "" || l.Kind != "messages" {
				t.Errorf("event = %+v", l)
			}
			if !strings.Contains(line, base64.StdEncoding.EncodeToString([]byte("a\x00b"))) {
				t.Errorf("%s lacks the item", line)
			}
		}
	}
	if got, want := strings.Join(schemas, " "), "hawser.connect.state/1 hawser.connect.state/1 hawser.connect.event/1 hawser.connect.state/1"; got != want {
		t.Errorf("lines are %s, want %s", got, want)
	}
}

func TestConnectEndsWellWhenInterrupted(t *testing.T) {
	e := startEdge(t)
	ctx, interrupt := context.WithCancel(t.Context())
	done := e.connect(ctx, "--json")
	want(t, e.registered, "registration")
	interrupt()
	if got := want(t, done, "end of connect"); got.code != exitOK || got.stderr != "" {
		t.Errorf("%+v, want code 0 and no error", got)
	}
}

func TestConnectKeepsVersions(t *testing.T) {
	e := startEdge(t)
	file := filepath.Join(t.TempDir(), "versions.json")
	done := e.connect(t.Context(), "--once", "1", "--versions-file", file)
	e.publish(want(t, e.registered, "registration").Conn, 5, "first")
	want(t, done, "end of connect")
	done = e.connect(t.Context(), "--once", "1", "--versions-file", file)
	e.publish(want(t, e.registered, "registration").Conn, 6, "second")
	if got := want(t, done, "end of connect"); strings.Contains(got.stdout, "first") || !strings.Contains(got.stdout, "second") {
		t.Errorf("the second run prints\n%s", got.stdout)
	}
}

func TestConnectRegistersForPush(t *testing.T) {
	e := startEdge(t)
	done := e.connect(t.Context(), "--platform", "ios", "--app", "com.example.chat", "--push-token", "abc123", "--background", "--once", "1")
	r := want(t, e.registered, "registration")
	d := want(t, e.devices, "device record")
	if d.Platform != "ios" || d.App != "com.example.chat" || d.PushToken != "abc123" || d.Device != "phone" || !r.Background {
		t.Errorf("device %+v, registration %+v", d, r)
	}
	e.publish(r.Conn, 1, "x")
	want(t, done, "end of connect")
}

func TestConnectLogout(t *testing.T) {
	e := startEdge(t)
	done := e.connect(t.Context(), "--logout")
	if got := want(t, e.removed, "removal"); got != "demo.alice.phone" {
		t.Errorf("removed %s", got)
	}
	if got := want(t, done, "end of connect"); got.code != exitOK || got.stderr != "" {
		t.Errorf("%+v", got)
	}
}

func TestConnectFailures(t *testing.T) {
	e := startEdge(t)
	state, err := config.LoadDevState(e.dir)
	if err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(newKey(t), privateKeyName)
	forged := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(forged, []byte(cli(t, nil, "token", "--jwt-key", foreign, "--tenant", "demo", "--user", "alice", "--device", "phone").stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name   string
		args   []string
		code   exit
		stderr string
	}{
		{"no names", []string{"--device", ""}, 2, "--user and --device are both needed"},
		{"push token without app", []string{"--push-token", "x"}, 2, "--push-token needs --app"},
		{"platform", []string{"--platform", "windows"}, 2, `--platform "windows" must be ios, android or other`},
		{"transport", []string{"--transport", "udp"}, 2, `--transport "udp" must be auto, quic or tcp`},
		{"once", []string{"--once", "-1"}, 2, "--once -1 must be a number of events"},
		{"addr", []string{"--addr", "nowhere"}, 2, `--addr "nowhere" is not host:port`},
		{"no token file", []string{"--token-file", "/nowhere"}, 1, "cannot read the device's token: open /nowhere: no such file or directory"},
		{"closed port", []string{"--transport", "tcp", "--addr", closedPort(t), "--jwt-key", state.JWTKeyFile, "--tenant", "demo", "--connect-timeout", "200ms"},
			3, "within 200ms: "},
		{"another service", []string{"--transport", "tcp", "--addr", serveHTTP(t), "--jwt-key", state.JWTKeyFile, "--tenant", "demo", "--connect-timeout", "1m"},
			3, "Something other than an edge listens there: name the edge's port with --addr"},
		{"refused token", []string{"--token-file", forged}, 1, "the edge closed the connection: 3500"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := want(t, e.connect(t.Context(), tc.args...), "end of connect")
			if got.code != tc.code || !strings.Contains(got.stderr, tc.stderr) {
				t.Errorf("%+v, want code %d and %q", got, tc.code, tc.stderr)
			}
		})
	}
}

// What is said at the end is what the last attempt came to: on a slow machine one
// second may be too short for the first.
func TestConnectToUnknownAuthority(t *testing.T) {
	e := startEdge(t)
	state, err := config.LoadDevState(e.dir)
	if err != nil {
		t.Fatal(err)
	}
	const says = "certificate signed by unknown authority. Name the authorities of the edge's certificate with --ca-file"
	for timeout := time.Second; ; timeout *= 4 {
		got := want(t, e.connect(t.Context(), "--transport", "tcp", "--addr", e.addr, "--jwt-key", state.JWTKeyFile,
			"--tenant", "demo", "--connect-timeout", timeout.String()), "end of connect")
		if got.code == exitUnreachable && strings.Contains(got.stderr, says) {
			return
		}
		if got.code != exitUnreachable || timeout > 10*time.Second {
			t.Fatalf("%+v, want code %d and %q", got, exitUnreachable, says)
		}
	}
}

// serveHTTP is the address of a server without TLS.
func serveHTTP(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestConnectWithoutDev(t *testing.T) {
	got := cli(t, nil, "connect", "--user", "alice", "--device", "phone")
	if want := "hawser connect: no edge: name one with --addr, or start hawser dev\n"; got.code != exitUsage || got.stderr != want {
		t.Errorf("%+v, want %q", got, want)
	}
}

func TestQuoteKeepsTerminalsSafe(t *testing.T) {
	long := strings.Repeat("é", maxShown)
	for in, out := range map[string]string{
		"plain":      `"plain"`,
		"a\nb":       `"a\nb"`,
		"\x1b]0;x\a": `"\x1b]0;x\a"`,
		"\u202egnp":  `"\u202egnp"`,
		"\xff":       `"\xff"`,
		long:         `"` + long[:maxShown] + `"...`,
		"x" + long:   `"x` + long[:maxShown-2] + `"...`,
	} {
		if got := quote([]byte(in)); got != out {
			t.Errorf("quote(%q) = %s, want %s", in, got, out)
		}
	}
	if got := shorten([]byte("edge-1")); got != "edge-1" {
		t.Errorf("shorten = %s", got)
	}
}

func TestEventWithoutItems(t *testing.T) {
	var out strings.Builder
	p := newPrinter(&console{stdout: &out}, false)
	n, err := p.event(client.Event{Kind: "account", Version: 4, SnapshotNeeded: true})
	if err != nil || n != 1 || !strings.HasSuffix(out.String(), "account     version 4  (older ones are gone: snapshot needed)\n") {
		t.Errorf("%d, %v, %q", n, err, out.String())
	}
}
