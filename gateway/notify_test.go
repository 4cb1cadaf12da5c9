package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/routing/hawserv1"
	"github.com/hawser-edge/hawser/routing/hawserv1/hawserv1connect"
)

// router answers Notify as a test wants it to, over real HTTP.
type router struct {
	hawserv1connect.UnimplementedPublisherHandler

	answer func(ctx context.Context, req *hawserv1.NotifyRequest) (*hawserv1.NotifyResponse, error)
	// What arrived last; read after the call.
	got  *hawserv1.NotifyRequest
	auth string
}

func (r *router) Notify(ctx context.Context, req *connect.Request[hawserv1.NotifyRequest]) (*connect.Response[hawserv1.NotifyResponse], error) {
	r.got, r.auth = req.Msg, req.Header().Get("Authorization")
	res, err := r.answer(ctx, req.Msg)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(res), nil
}

func startRouter(t *testing.T, r *router) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(hawserv1connect.NewPublisherHandler(r))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

func keyFile(t *testing.T, key string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "api.key")
	if err := os.WriteFile(name, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func stored(version int64, duplicate bool) func(context.Context, *hawserv1.NotifyRequest) (*hawserv1.NotifyResponse, error) {
	return func(context.Context, *hawserv1.NotifyRequest) (*hawserv1.NotifyResponse, error) {
		return &hawserv1.NotifyResponse{Version: version, Duplicate: &duplicate}, nil
	}
}

func TestNotifySendsEveryField(t *testing.T) {
	r := &router{answer: stored(1<<53-1, false)}
	url, key := startRouter(t, r), keyFile(t, "secret-key")
	got := cli(t, nil, "notify", "--api", url, "--api-key-file", key,
		"--user", "alice", "--kind", "account", "--item", "hello", "--id", "m-1", "--urgency", "high", "--version", "7",
		"--push-title", "T", "--push-body", "B", "--push-sound", "S", "--push-badge", "0", "--push-ttl", "90s",
		"--push-data", "a=1", "--push-data", "b=x=y", "--json")
	if got.code != exitOK || got.stderr != "" {
		t.Fatalf("%+v", got)
	}
	if want := `{"schema":"hawser.notify/1","user":"alice","kind":"account","version":"9007199254740991","duplicate":false}` + "\n"; got.stdout != want {
		t.Errorf("stdout %s, want %s", got.stdout, want)
	}
	badge, ttl := int32(0), int64(90)
	want := &hawserv1.NotifyRequest{
		User: "alice", Kind: "account", Item: []byte("hello"), Id: "m-1", Urgency: hawserv1.Urgency_HIGH, Version: 7,
		Push: &hawserv1.Push{Title: "T", Body: "B", Sound: "S", Badge: &badge, TtlS: &ttl, Data: map[string]string{"a": "1", "b": "x=y"}},
	}
	if !proto.Equal(r.got, want) {
		t.Errorf("sent %v, want %v", r.got, want)
	}
	if r.auth != "Bearer secret-key" {
		t.Errorf("Authorization: %q", r.auth)
	}
}

func TestNotifyDefaults(t *testing.T) {
	r := &router{answer: stored(12, true)}
	env := []string{"HAWSER_API=" + startRouter(t, r), "HAWSER_API_KEY_FILE=" + keyFile(t, "k")}
	got := cliWith(t.Context(), t, env, "from stdin", "notify", "--user", "alice", "--item", "-")
	if want := "messages of alice is at version 12: stored before under this id\n"; got.code != exitOK || got.stdout != want {
		t.Errorf("%+v, want %q", got, want)
	}
	if want := (&hawserv1.NotifyRequest{User: "alice", Kind: "messages", Item: []byte("from stdin")}); !proto.Equal(r.got, want) {
		t.Errorf("sent %v, want %v", r.got, want)
	}
}

func TestNotifyRefusesAGreatItem(t *testing.T) {
	got := cliWith(t.Context(), t, nil, strings.Repeat("x", maxItem+1), "notify", "--user", "alice", "--item", "-")
	if got.code != exitUsage || !strings.Contains(got.stderr, "greater than 32 KiB") {
		t.Errorf("%+v", got)
	}
}

func TestNotifyBesideDev(t *testing.T) {
	r := &router{answer: stored(1, false)}
	dir := t.TempDir()
	if err := (config.DevState{API: startRouter(t, r), APIKeyFile: keyFile(t, "dev-key")}).Save(dir); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"found": {"notify", "--user", "alice"},
		"named": {"notify", "--user", "alice", "--dev", dir},
	} {
		r.auth = ""
		if got := cli(t, []string{"HAWSER_DEV_DIR=" + dir}, args...); got.code != exitOK || r.auth != "Bearer dev-key" {
			t.Errorf("%s: %+v, Authorization %q", name, got, r.auth)
		}
	}
	// The key of dev is for dev: another API must not see it.
	other := &router{answer: stored(1, false)}
	got := cli(t, []string{"HAWSER_DEV_DIR=" + dir}, "notify", "--user", "alice", "--api", startRouter(t, other))
	if got.code != exitUsage || other.auth != "" {
		t.Errorf("%+v; another API was shown %q", got, other.auth)
	}
}

func TestNotifyFailures(t *testing.T) {
	key := keyFile(t, "secret-key")
	refusing := startRouter(t, &router{answer: func(context.Context, *hawserv1.NotifyRequest) (*hawserv1.NotifyResponse, error) {
		return nil, connect.NewError(connect.CodeInvalidArgument, errors.New("there is no kind \"x\""))
	}})
	hanging := startRouter(t, &router{answer: func(ctx context.Context, _ *hawserv1.NotifyRequest) (*hawserv1.NotifyResponse, error) {
		<-ctx.Done()
		time.Sleep(50 * time.Millisecond)
		return nil, ctx.Err()
	}})
	stranger := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(stranger.Close)
	var sent string
	redirecting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, "http://"+req.Host+"/elsewhere", http.StatusTemporaryRedirect)
		if req.URL.Path == "/elsewhere" {
			sent = req.Header.Get("Authorization")
		}
	}))
	t.Cleanup(redirecting.Close)
	for _, tc := range []struct {
		name, url string
		code      exit
		stderr    string
	}{
		{"refused", refusing, 1, `hawser notify: refused (invalid_argument): there is no kind "x"`},
		{"closed port", "http://" + closedPort(t), 3, "hawser notify: cannot reach http://127.0.0.1:"},
		{"no answer", hanging, 3, "did not answer in time: it is not known whether the event was stored"},
		{"not a router", stranger.URL, 1, "is not one of a router, check --api"},
		{"redirect", redirecting.URL, 1, "is not one of a router, check --api"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := cli(t, nil, "notify", "--user", "alice", "--kind", "x", "--api", tc.url, "--api-key-file", key, "--timeout", "300ms", "--json")
			if got.code != tc.code || !strings.Contains(got.stderr, tc.stderr) || got.stdout != "" {
				t.Errorf("%+v, want code %d and %q", got, tc.code, tc.stderr)
			}
			if strings.Contains(got.stderr, "secret-key") {
				t.Error("the key is shown")
			}
		})
	}
	if sent != "" {
		t.Errorf("the key followed a redirect: %q", sent)
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
