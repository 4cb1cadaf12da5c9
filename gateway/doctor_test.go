package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hawser-edge/hawser/gateway/admin"
	"github.com/hawser-edge/hawser/gateway/config"
)

// readyz answers as a running process does that has one check.
func readyz(t *testing.T, ready error) (addr string) {
	t.Helper()
	check := admin.Check{Name: "router", Ready: func(context.Context) error { return ready }}
	s, err := admin.New(admin.Config{Listen: "127.0.0.1:0", Checks: []admin.Check{check}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return s.Addr().String()
}

func TestDoctorAsksTheProcess(t *testing.T) {
	for _, tc := range []struct {
		name         string
		ready        error
		code         exit
		stdout, json string
	}{
		{"ready", nil, exitOK, "ok  router\nok  ready\n",
			`{"schema":"hawser.doctor/1","ok":true,"checks":[{"name":"router","ok":true},{"name":"ready","ok":true}]}` + "\n"},
		{"not ready", errors.New("the table is not complete"), exitFailed, "NO  router: the table is not complete\nNO  ready\n",
			`{"schema":"hawser.doctor/1","ok":false,"checks":[{"name":"router","ok":false,"reason":"the table is not complete"},{"name":"ready","ok":false}]}` + "\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			addr := readyz(t, tc.ready)
			if got := cli(t, nil, "doctor", "--admin", addr); got.code != tc.code || got.stdout != tc.stdout {
				t.Errorf("%+v, want code %d and %q", got, tc.code, tc.stdout)
			}
			if got := cli(t, nil, "doctor", "--admin", addr, "--json"); got.code != tc.code || got.stdout != tc.json {
				t.Errorf("%+v, want code %d and %s", got, tc.code, tc.json)
			}
		})
	}
}

// Beside a dev whose addresses are not the usual ones it needs no flag.
func TestDoctorAsksARunningDev(t *testing.T) {
	dir, addr := t.TempDir(), readyz(t, nil)
	s := config.DevState{Addr: addr, Admin: "http://" + addr}
	if err := s.Save(dir); err != nil {
		t.Fatal(err)
	}
	for what, got := range map[string]result{
		"named":     cli(t, nil, "doctor", "--dev", dir),
		"not named": cli(t, []string{config.EnvDevDir + "=" + dir}, "doctor"),
	} {
		if got.code != exitOK || got.stdout != "ok  router\nok  ready\n" {
			t.Errorf("%s: %+v", what, got)
		}
	}
}

func TestDoctorWithoutAProcess(t *testing.T) {
	got := cli(t, nil, "doctor", "--admin", "127.0.0.1:1")
	if got.code != exitUnreachable || !strings.Contains(got.stderr, "the process does not answer") {
		t.Errorf("%+v", got)
	}
}

// TestDoctorLogsInToEachServer has one server that knows the role, and one
// that is not there.
func TestDoctorLogsInToEachServer(t *testing.T) {
	file := writeConfig(t, routerConfig)
	users := cli(t, nil, "config", "nats", file)
	url := natsServer(t, filepath.Join(t.TempDir(), "nats.conf"), users.stdout)
	env := []string{"HAWSER_NATS_URLS=" + url + ",nats://127.0.0.1:1", "HAWSER_ADMIN_LISTEN=" + readyz(t, nil)}
	got := doctorUntil(t, env, file, "ok  nats server "+url)
	if got.code != exitFailed || !strings.Contains(got.stdout, "ok  nats server "+url+" as router-r1\n") ||
		!strings.Contains(got.stdout, "NO  nats server nats://127.0.0.1:1 as router-r1: ") {
		t.Errorf("%+v", got)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "nats.password"), []byte("wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	got = doctorUntil(t, env, file, "Authorization Violation")
	if !strings.Contains(got.stdout, "NO  nats server "+url+" as router-r1: nats: Authorization Violation\n") {
		t.Errorf("a wrong password: %+v", got)
	}
}

// doctorUntil runs the doctor until it says so, a few times at most: a server
// that compares a hash for seconds, on a core that others use, is not let wait.
func doctorUntil(t *testing.T, env []string, file, says string) (got result) {
	t.Helper()
	for range 10 {
		if got = cli(t, env, "doctor", "--config", file); strings.Contains(got.stdout, says) {
			break
		}
	}
	return got
}
