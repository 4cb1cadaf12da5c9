package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// result is what a run of the program left behind.
type result struct {
	code           exit
	stdout, stderr string
}

// cli runs the program inside the test. No dev is near unless env names one.
func cli(t *testing.T, env []string, args ...string) result {
	t.Helper()
	return cliWith(t.Context(), t, env, "", args...)
}

func cliWith(ctx context.Context, t *testing.T, env []string, stdin string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	c := &console{
		stdin: strings.NewReader(stdin), stdout: &out, stderr: &errs,
		environ: append([]string{"HAWSER_DEV_DIR=" + t.TempDir()}, env...), self: "hawser",
	}
	code := run(ctx, c, args)
	return result{code, out.String(), errs.String()}
}

func TestCommandLine(t *testing.T) {
	for _, tc := range []struct {
		args   string
		code   exit
		stdout string // a part of it; empty: nothing was printed
		stderr string
	}{
		{"", 2, "", "hawser: a command is missing. For the list: hawser help\n"},
		{"notfy --user x", 2, "", "hawser: there is no command \"notfy\": did you mean notify? For the list: hawser help\n"},
		{"frobnicate", 2, "", "hawser: there is no command \"frobnicate\". For the list: hawser help\n"},
		{"help", 0, "notify    tell a user's devices", ""},
		{"--help", 0, "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 cannot reach", ""},
		{"help notfy", 2, "", "hawser help: there is no command \"notfy\": did you mean notify? For the list: hawser help\n"},
		{"help notify", 0, "Usage: hawser notify --user U", ""},
		{"help help", 0, "Commands:", ""},
		{"notify --help", 0, "--api-key-file FILE", ""},
		{"help config", 0, "hawser config check FILE", ""},
		{"help config check", 0, "Usage: hawser config check FILE", ""},
		{"version", 0, "hawser ", ""},
		{"--version", 0, "hawser ", ""},
		{"version --json", 0, `{"schema":"hawser.version/1","version":`, ""},
		{"version --jsn", 2, "", "hawser version: there is no flag --jsn: did you mean --json?\n"},
		{"version now", 2, "", "hawser version: \"now\" is one word too many: flags come first and a value with spaces needs quotes\n"},
		{"config", 2, "", "hawser config: say what to do: hawser config check FILE, hawser config example, or hawser config nats FILE...\n"},
		{"config check", 2, "", "hawser config: FILE is missing: hawser config check FILE\n"},
		{"config check /nowhere.yaml", 1, "", "hawser config: cannot read the configuration: open /nowhere.yaml: no such file or directory: hawser config example prints one to begin with\n"},
		{"serve --config /nowhere.yaml", 1, "", "hawser serve: cannot read the configuration: open /nowhere.yaml: no such file or directory: hawser config example prints one to begin with\n"},
		{"connect --user a@b --device d", 2, "", "hawser connect: --user \"a@b\" must match [A-Za-z0-9_-]{1,64}\n"},
		{"connect --user u --device ../d", 2, "", "hawser connect: --device \"../d\" must match [A-Za-z0-9_-]{1,64}\n"},
		{"connect --user u --device d --transport udp", 2, "", "hawser connect: --transport \"udp\" must be auto, quic or tcp\n"},
		{"config example", 0, "version: 1", ""},
		{"token --user u", 2, "", "hawser token: --user and --device are both needed: a token is for one device\n"},
		{"token --user u --device d", 2, "", "hawser token: --jwt-key is missing: name a private key, hawser token --new-key DIR makes one, or start hawser dev\n"},
		{"token --user u --device d --ttl -1s", 2, "", "hawser token: --ttl -1s must be above zero\n"},
		{"token --ttl soon", 2, "", "hawser token: --ttl \"soon\" must be a duration, such as 500ms, 30s or 5m; for the list: hawser help token\n"},
		{"token --json=maybe", 2, "", "hawser token: --json \"maybe\" must be true or false, or left out; for the list: hawser help token\n"},
		{"token --user", 2, "", "hawser token: --user needs a value; for the list: hawser help token\n"},
		{"token --user a@b --device d", 2, "", "hawser token: --user \"a@b\" must match [A-Za-z0-9_-]{1,64}\n"},
		{"token --zzz", 2, "", "hawser token: there is no flag --zzz; for the list: hawser help token\n"},
		{"notify", 2, "", "hawser notify: --user is missing: name the user to tell\n"},
		{"notify --user u", 2, "", "hawser notify: no API key: name its file with --api-key-file or HAWSER_API_KEY_FILE, or start hawser dev\n"},
		{"notify --user u --dev /nowhere", 2, "", "hawser notify: no running dev was found in /nowhere: start it with hawser dev\n"},
		{"notify --user u --urgency soon", 2, "", "hawser notify: --urgency \"soon\" must be LOW, NORMAL or HIGH\n"},
		{"notify --user u --push-ttl 1500ms", 2, "", "hawser notify: --push-ttl 1.5s must be whole seconds\n"},
		{"notify --user u --no-push --push-title x", 2, "", "hawser notify: --no-push stands beside another --push flag: keep one\n"},
		{"notify --user u --push-data x", 2, "", "hawser notify: --push-data \"x\" must be NAME=VALUE; for the list: hawser help notify\n"},
		{"notify --user u --version two", 2, "", "hawser notify: --version \"two\" must be a whole number; for the list: hawser help notify\n"},
		{"notify --user u --api nowhere --api-key-file main.go", 2, "", "hawser notify: --api \"nowhere\" is not a URL: write for example http://127.0.0.1:7480\n"},
		{"notify --user u --api-key-file main.go", 2, "", "hawser notify: main.go must hold one API key on one line\n"},
		{"notify --user u --api-key-file /nowhere", 2, "", "hawser notify: cannot read the API key: open /nowhere: no such file or directory\n"},
	} {
		t.Run(tc.args, func(t *testing.T) {
			got := cli(t, nil, strings.Fields(tc.args)...)
			if got.code != tc.code {
				t.Errorf("exit code %d, want %d", got.code, tc.code)
			}
			if !strings.Contains(got.stdout, tc.stdout) || tc.stdout == "" && got.stdout != "" {
				t.Errorf("stdout %q, want %q in it", got.stdout, tc.stdout)
			}
			if got.stderr != tc.stderr {
				t.Errorf("stderr\n%q, want\n%q", got.stderr, tc.stderr)
			}
		})
	}
}

// TestEveryCommandHasHelp holds the usage texts together with the table.
func TestEveryCommandHasHelp(t *testing.T) {
	for name, cmd := range commands() {
		if cmd.about == "" || strings.HasSuffix(cmd.about, ".") {
			t.Errorf("%s: about is %q, want a line without a full stop", name, cmd.about)
		}
		got := cli(t, nil, "help", name)
		if got.code != exitOK || !strings.HasPrefix(got.stdout, "Usage: hawser "+name) || got.stderr != "" {
			t.Errorf("help %s: %+v", name, got)
		}
	}
}

func TestBuiltByGoRun(t *testing.T) {
	hash := strings.Repeat("0a", 32)
	for path, want := range map[string]bool{
		"/tmp/go-build1199360422/b001/exe/gateway":    true,
		"/root/.cache/go-build/0a/" + hash + "-d/zz":  true,
		"/tmp/go-build1199360422/b001/gateway.test":   false,
		"/usr/local/bin/hawser":                       false,
		"/home/x/go-build/hawser":                     false,
		"/src/hawser/bin/hawser":                      false,
		"/root/.cache/go-build/0a/" + hash[2:] + "-d": false,
	} {
		if got := builtByGoRun(path); got != want {
			t.Errorf("builtByGoRun(%s) = %v, want %v", path, got, want)
		}
	}
}

func TestStartedAs(t *testing.T) {
	t.Setenv("PATH", "")
	if got := startedAs("bin/hawser", "/src/bin/hawser"); got != "bin/hawser" {
		t.Errorf("got %s, want the path as typed", got)
	}
}
