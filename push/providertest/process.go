//go:build unix

package providertest

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
)

// roleEnv has a test's own binary be another member of the system, in a process
// of its own as at a user's. It ends with its standard input.
const roleEnv = "HAWSER_TEST_ROLE"

// Role reads what it is told, a value of JSON each, and answers so. It returns
// once there is no more to read.
type Role func(in *json.Decoder, out io.Writer) error

// Main is the TestMain of a package that uses Fake, or Start with these roles.
func Main(m *testing.M, roles map[string]Role) {
	name := os.Getenv(roleEnv)
	run := roles[name]
	if name == fakeRole {
		run = serveFake
	}
	if run == nil {
		os.Exit(m.Run())
	}
	if err := run(json.NewDecoder(os.Stdin), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// UntilEnd calls then at the end of what is read.
func UntilEnd(in *json.Decoder, then func()) {
	for in.Decode(new(json.RawMessage)) == nil {
	}
	then()
}

// Process is a member of the system. It is its test's.
type Process struct {
	t   *testing.T
	in  *json.Encoder
	out *json.Decoder
}

// Start starts a member, which ends with the test.
func Start(t *testing.T, role string) *Process {
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
	return &Process{t, json.NewEncoder(stdin), json.NewDecoder(stdout)}
}

// Tell writes a value to the process.
func (p *Process) Tell(v any) {
	p.t.Helper()
	if err := p.in.Encode(v); err != nil {
		p.t.Fatal(err)
	}
}

// Hear reads the next value that the process says.
func (p *Process) Hear(v any) {
	p.t.Helper()
	if err := p.out.Decode(v); err != nil {
		p.t.Fatalf("a member of the system is silent: %v", err)
	}
}
