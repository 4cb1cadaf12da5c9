// Composetest brings deploy/compose.yaml up for real and tells the demo's story
// about it: simulators of APNs and FCM outside the containers, devices over TCP
// and QUIC, a backend over HTTP and NATS. In the middle an edge and the NATS
// server that leads the stream are killed, and the other edge is stopped. At
// the end the account has to hold.
//
//	go run ./deploy/composetest
//
// It wants Linux, and docker and docker-compose, as Debian has them. It uses the
// engine that answers; where none does and it is root, it starts one of its own,
// in namespaces of its own: nothing of the machine's network or of another
// engine is touched, and what it started ends with it. It leaves no container,
// network, volume or image behind. Exit codes: 0 the story held, 1 it did not,
// 77 it cannot run here, and says why.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/hawser-edge/hawser/gateway/demo"
)

// limit bounds everything. The story takes two minutes.
const limit = 5 * time.Minute

// skipped is the exit code of a run that cannot be, as automake has it.
const skipped = 77

// errSkip wraps why the test cannot run here.
var errSkip = errors.New("cannot run here")

// errInside wraps how the program in the namespaces ended.
var errInside = errors.New("in the namespaces")

var errStory = errors.New("the story did not hold: see above")

func main() {
	inside := flag.String("inside", "", "go on in the namespaces that were made for it, with the engine's files in `DIR`; for its own use")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := run(ctx, *inside)
	code := 0
	var ended *exec.ExitError
	switch {
	case errors.Is(err, errSkip):
		fmt.Fprintf(os.Stderr, "composetest: skipped: %v\n", err)
		code = skipped
	case errors.As(err, &ended) && ended.ProcessState.Exited() && errors.Is(err, errInside):
		code = ended.ExitCode() // the one inside has said why
	case err != nil:
		fmt.Fprintf(os.Stderr, "composetest: %v\n", err)
		code = 1
	}
	os.Exit(code)
}

func run(ctx context.Context, inside string) error {
	root, err := repository(ctx)
	if err != nil {
		return err
	}
	compose, err := findCompose(ctx)
	if err != nil {
		return err
	}
	if inside != "" {
		return withOwnEngine(ctx, inside, func(host string) error { return story(ctx, root, compose, host) })
	}
	own := engineAnswers(ctx, "") != nil
	if own {
		if err := canEnter(ctx); err != nil {
			return err
		}
	}
	// Programs first: inside there may be no network to fetch modules over.
	if err := command(ctx, root, nil, "deploy/build", "--programs"); err != nil {
		return fmt.Errorf("build the programs: %w", err)
	}
	if own {
		return enter(ctx)
	}
	return story(ctx, root, compose, "")
}

// repository is the folder that the paths of this test count from.
func repository(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the repository: start this inside of it: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// story tells the demo's story about the composed fleet.
func story(ctx context.Context, root string, compose []string, host string) error {
	dir, err := os.MkdirTemp("", "hawser-compose-")
	if err != nil {
		return fmt.Errorf("make a folder for the fleet: %w", err)
	}
	f := newComposed(root, dir, compose, host)
	report, err := demo.Run(ctx, demo.Options{Program: filepath.Join(root, "dist", "hawser"), Fleet: f, Out: os.Stdout})
	if err != nil {
		return err
	}
	if !report.OK {
		return fmt.Errorf("%w; the fleet's files are in %s", errStory, dir)
	}
	return os.RemoveAll(dir)
}

// command runs a program in dir and shows what it says only if it fails.
func command(ctx context.Context, dir string, env []string, name string, args ...string) error {
	_, err := output(ctx, dir, env, name, args...)
	return err
}

func output(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	// Ctrl-C is for this process; it ends its children in order.
	cmd.SysProcAttr = ownGroup()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", filepath.Base(name), strings.Join(args, " "), err, tail(stderr.String()+string(out)))
	}
	return strings.TrimSpace(string(out)), nil
}

// tail is the end of a text, where the reason stands.
func tail(text string) string {
	const most = 2000
	text = strings.TrimSpace(text)
	return text[max(0, len(text)-most):]
}
