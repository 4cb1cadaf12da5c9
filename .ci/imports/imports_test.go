package imports

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
}

// builds are the ways in which the repository is built; a file that is left
// out of one is in another.
var builds = []struct{ os, tags string }{
	{"linux", ""},
	{"linux", "sabotage"},
	{"darwin", ""},
	{"windows", ""},
}

func TestArrowsPointDown(t *testing.T) {
	for _, build := range builds {
		t.Run(build.os+build.tags, func(t *testing.T) {
			t.Parallel()
			pkgs := list(t, build.os, build.tags)
			if len(pkgs) == 0 {
				t.Fatal("go list found no packages")
			}
			for _, complaint := range check(pkgs) {
				t.Error(complaint)
			}
		})
	}
}

// list describes all packages of the repository.
func list(t *testing.T, goos, tags string) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-tags="+tags, "-json=ImportPath,Imports,TestImports,XTestImports,Deps", "./...")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var pkgs []pkg
	for in := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := in.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

// TestEachRuleCanFail turns one arrow after another and wants to hear of it.
func TestEachRuleCanFail(t *testing.T) {
	for _, tt := range []struct {
		from, imports, want string
		test                bool
	}{
		{from: "gateway/session", imports: "gateway/wire"},
		{from: "gateway/node", imports: "routing/router"},
		{from: "gateway/client/mobile", imports: "gateway/client"},
		{from: "gateway/session", imports: "gateway/client", test: true},
		{from: "routing/inbox", imports: "routing/embednats/natstest", test: true},
		{from: "push/apns", imports: apns2},
		{from: "push/fcm", imports: firebase + "/v4/messaging"},
		{from: "gateway/node/devmode", imports: "push/pushtest"},
		{from: "push", imports: "gateway/metric"},

		{from: "gateway/wire", imports: "gateway/transport", want: "arrows point down"},
		{from: "gateway/wire", imports: "gateway/transport", test: true, want: "arrows point down"},
		{from: "gateway/admin", imports: "gateway/node", want: "arrows point down"},
		{from: "gateway/metric", imports: "gateway/wire", want: "arrows point down"},
		{from: "gateway/token", imports: "gateway/wire", want: "same layer"},
		{from: "gateway/client", imports: "gateway/session", want: "same layer"},
		{from: "gateway/transport", imports: "routing", want: "same layer"},
		{from: "gateway/session", imports: "routing/edgelink", want: "never import one another"},
		{from: "gateway/session", imports: "routing/embednats", test: true, want: "never import one another"},
		{from: "gateway/session", imports: "push", want: "never import one another"},
		{from: "push/apns", imports: "routing/hawserv1", want: "never import one another"},
		{from: "routing/pushqueue", imports: "push", want: "never import one another"},
		{from: "gateway/client", imports: "gateway/token", want: "imports of ours only"},
		{from: "gateway/client", imports: "gateway/metric", want: "imports of ours only"},
		{from: "push/pushtest", imports: "push", want: "imports nothing of ours"},
		{from: "gateway/client", imports: nats, want: "must do without"},
		{from: "gateway/session", imports: natsServer + "/v2/server", want: "must do without"},
		{from: "routing/router", imports: apns2 + "/token", want: "only apns imports"},
		{from: "gateway/node", imports: firebase + "/v4", test: true, want: "only fcm imports"},
		{from: "gateway/brandnew", imports: "fmt", want: "belongs to no layer"},
		{from: "push/brandnew", imports: "fmt", want: "belongs to no layer"},
	} {
		p := pkg{ImportPath: module + tt.from}
		path := tt.imports
		if _, ours := find(path); ours {
			path = module + path
		}
		if tt.test {
			p.XTestImports = []string{path}
		} else {
			p.Imports, p.Deps = []string{path}, []string{path}
		}
		got := strings.Join(check([]pkg{p}), "\n")
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s -> %s: got %q, want %q", tt.from, tt.imports, got, tt.want)
		}
	}
}

// Every package has one place only.
func TestPartsDoNotOverlap(t *testing.T) {
	var all []string
	for _, p := range parts {
		all = append(all, p.paths...)
	}
	slices.Sort(all)
	if unique := slices.Compact(slices.Clone(all)); len(unique) != len(all) {
		t.Errorf("a path stands twice: %v", all)
	}
}
