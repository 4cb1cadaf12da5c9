//go:build unix

package sendtest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest/remote"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats"
)

// roleEnv has a test's own binary be another member of the system, in a process
// of its own as at a user's. It ends with its standard input.
const roleEnv = "HAWSER_SENDTEST_ROLE"

// A role reads what it is told, a value of JSON each, and answers so.
type role func(in *json.Decoder, out io.Writer) error

func roles() map[string]role {
	return map[string]role{"nats": serveNATS, "services": serveServices, "worker": serveWorker}
}

func TestMain(m *testing.M) {
	run := roles()[os.Getenv(roleEnv)]
	if run == nil {
		providertest.Main(m)
		return
	}
	if err := run(json.NewDecoder(os.Stdin), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// process is a member of the system. It is its test's.
type process struct {
	t   *testing.T
	in  *json.Encoder
	out *json.Decoder
}

// start starts a member, which ends with the test.
func start(t *testing.T, role string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"="+role)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", role, err)
		}
	})
	return &process{t, json.NewEncoder(stdin), json.NewDecoder(stdout)}
}

func (p *process) tell(v any) {
	p.t.Helper()
	if err := p.in.Encode(v); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) hear(v any) {
	p.t.Helper()
	if err := p.out.Decode(v); err != nil {
		p.t.Fatalf("a member of the system is silent: %v", err)
	}
}

// untilEnd calls then at the end of what is read.
func untilEnd(in *json.Decoder, then func()) {
	for in.Decode(new(json.RawMessage)) == nil {
	}
	then()
}

// natsOptions are told to the role "nats", which answers with its URL.
type natsOptions struct {
	Dir   string
	Users []routing.User
}

func serveNATS(in *json.Decoder, out io.Writer) error {
	var o natsOptions
	if err := in.Decode(&o); err != nil {
		return err
	}
	s, err := embednats.Start(embednats.Options{Dir: o.Dir, Users: o.Users})
	if err != nil {
		return err
	}
	defer s.Shutdown()
	if err := json.NewEncoder(out).Encode(s.URL()); err != nil {
		return err
	}
	untilEnd(in, func() {})
	return nil
}

// serveServices runs simulators; it is told where their credentials go, and
// answers with a remote.State.
func serveServices(in *json.Decoder, out io.Writer) error {
	var dir string
	if err := in.Decode(&dir); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go untilEnd(in, cancel)
	return remote.Run(ctx, remote.Options{Dir: dir}, out)
}
