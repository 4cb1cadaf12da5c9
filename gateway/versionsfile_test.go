package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestVersionsOutliveARun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "versions.json")
	v, err := openVersions(path, "alice", "phone")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []struct {
		kind    string
		version int64
	}{{"messages", 7}, {"messages", 1<<53 - 1}, {"account", 3}} {
		if err := v.Save(s.kind, s.version); err != nil {
			t.Fatal(err)
		}
	}
	again, err := openVersions(path, "alice", "phone")
	if err != nil {
		t.Fatal(err)
	}
	got, err := again.Load()
	if want := map[string]int64{"messages": 1<<53 - 1, "account": 3}; err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if _, err := openVersions(path, "alice", "tablet"); exitCode(err) != exitUsage || !strings.Contains(err.Error(), `device "phone"`) {
		t.Errorf("another device may read them: %v", err)
	}
}

func TestVersionsRefuseOtherFiles(t *testing.T) {
	for _, content := range []string{"", "{}", "[1]", `{"schema":"hawser.versions/1","user":"alice","device":"phone","versions":{"a":"x"}}`} {
		path := filepath.Join(t.TempDir(), "versions.json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openVersions(path, "alice", "phone"); exitCode(err) != exitUsage {
			t.Errorf("%q: %v, want a usage error", content, err)
		}
	}
}

func TestVersionsThatCannotBeKeptAreSaid(t *testing.T) {
	v, err := openVersions(filepath.Join(t.TempDir(), "gone", "versions.json"), "alice", "phone")
	if err != nil {
		t.Fatal(err)
	}
	if v.Save("messages", 1) == nil {
		t.Error("a write that failed was not said")
	}
}
