package config

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDevStateRoundTrip(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dev")
	want := DevState{Addr: "127.0.0.1:1", API: "http://127.0.0.1:2", Admin: "http://127.0.0.1:3",
		Tenant: "demo", CAFile: "/ca", APIKeyFile: "/api", JWTKeyFile: "/jwt"}
	if err := want.Save(dir); err != nil {
		t.Fatal(err)
	}
	got, err := LoadDevState(dir)
	if err != nil {
		t.Fatal(err)
	}
	want.Schema, want.PID = DevSchema, os.Getpid()
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for name, mode := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, devFile): 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: mode %v, want %v (%v)", name, info.Mode().Perm(), mode, err)
		}
	}
	if err := RemoveDevState(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadDevState(dir); !errors.Is(err, ErrNoDev) {
		t.Errorf("after the removal: %v, want ErrNoDev", err)
	}
	if err := RemoveDevState(dir); err != nil {
		t.Errorf("a second removal: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("files are left behind: %v", left)
	}
}

func TestDevStateOfAnotherProcessStays(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, devFile), `{"schema":"hawser.dev/1","pid":1}`)
	if err := RemoveDevState(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadDevState(dir); err != nil {
		t.Errorf("the state of another dev was removed: %v", err)
	}
}

func TestDevStateFromElsewhere(t *testing.T) {
	for _, content := range []string{"", "{", `{"schema":"hawser.dev/9"}`} {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, devFile), content)
		if _, err := LoadDevState(dir); err == nil || !strings.Contains(err.Error(), "start dev anew") {
			t.Errorf("%q: error = %v, want what to do", content, err)
		}
	}
}

func TestDevStateAlive(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := DevState{Addr: l.Addr().String()}
	if !s.Alive(context.Background()) {
		t.Error("a listening dev counts as gone")
	}
	l.Close()
	if s.Alive(context.Background()) {
		t.Error("a dev that was killed counts as alive")
	}
}

func TestDevDir(t *testing.T) {
	set := func(string) string { return "/somewhere" }
	if dir, err := DevDir(set); err != nil || dir != "/somewhere" {
		t.Errorf("with %s set: %s, %v", EnvDevDir, dir, err)
	}
	t.Setenv("XDG_CACHE_HOME", "/cache")
	t.Setenv("HOME", "/home/x")
	if dir, err := DevDir(func(string) string { return "" }); err != nil || filepath.Base(dir) != "dev" {
		t.Errorf("without it: %s, %v", dir, err)
	}
}
