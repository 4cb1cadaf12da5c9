package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// engineStart is how long a container engine may take to answer.
const engineStart = 30 * time.Second

// findCompose is docker's own compose where it is there, else docker-compose.
func findCompose(ctx context.Context) ([]string, error) {
	if _, err := exec.LookPath("docker"); err != nil {
		return nil, fmt.Errorf("%w: docker is missing: apt-get install docker.io docker-compose", errSkip)
	}
	if exec.CommandContext(ctx, "docker", "compose", "version").Run() == nil {
		return []string{"docker", "compose"}, nil
	}
	if path, err := exec.LookPath("docker-compose"); err == nil {
		return []string{path}, nil
	}
	return nil, fmt.Errorf("%w: docker-compose is missing: apt-get install docker-compose", errSkip)
}

// engineAnswers asks the engine at host; "" is the one that docker finds.
func engineAnswers(ctx context.Context, host string) error {
	_, err := output(ctx, "", dockerHost(host), "docker", "version", "--format", "{{.Server.Version}}")
	return err
}

func dockerHost(host string) []string {
	if host == "" {
		return nil
	}
	return []string{"DOCKER_HOST=" + host}
}

// namespaces are those of an engine of one's own: for its network, its mounts
// and its processes. When the program in there ends, everything in there ends.
func namespaces(program ...string) []string {
	return append([]string{"--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child=SIGKILL"}, program...)
}

// canEnter says why there can be no engine of one's own.
func canEnter(ctx context.Context) error {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return fmt.Errorf("%w: no container engine answers, and only root on Linux can start one: start dockerd", errSkip)
	}
	for _, tool := range []string{"dockerd", "unshare", "ip", "iptables"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w: no container engine answers, and to start one %s is missing: apt-get install docker.io iptables iproute2", errSkip, tool)
		}
	}
	if out, err := exec.CommandContext(ctx, "unshare", namespaces("true")...).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: this kernel or container gives no namespaces: %w: %s", errSkip, err, tail(string(out)))
	}
	return nil
}

// enter starts this program anew in the namespaces.
func enter(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	dir, err := os.MkdirTemp("", "hawser-engine-")
	if err != nil {
		return fmt.Errorf("make a folder for the engine: %w", err)
	}
	defer func() {
		removeGroups(filepath.Base(dir))
		if gone := os.RemoveAll(dir); gone != nil {
			fmt.Fprintf(os.Stderr, "composetest: remove the engine's files: %v\n", gone)
		}
	}()
	cmd := exec.CommandContext(ctx, "unshare", namespaces(self, "-inside", dir)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	// The one inside watches the clock itself, to end in order; this is for
	// when it cannot.
	cmd.Cancel = func() error { return nil }
	cmd.WaitDelay = time.Minute
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: %w", errInside, err)
	}
	return nil
}

// withOwnEngine starts an engine with its files in dir, and ends it.
func withOwnEngine(ctx context.Context, dir string, do func(host string) error) error {
	if err := command(ctx, "", nil, "ip", "link", "set", "lo", "up"); err != nil {
		return err
	}
	host := "unix://" + filepath.Join(dir, "docker.sock")
	engine, err := devmode.StartProgram(context.WithoutCancel(ctx), "dockerd", dir, "dockerd",
		"--host", host, "--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"),
		"--pidfile", filepath.Join(dir, "pid"), "--cgroup-parent", "/"+filepath.Base(dir))
	if err != nil {
		return err
	}
	if err := waitEngine(ctx, engine, host); err != nil {
		log, _ := os.ReadFile(engine.Log) // the error stands without it
		err = fmt.Errorf("%w: dockerd does not come up: %w: %s", errSkip, err, tail(string(log)))
		return errors.Join(err, stopEngine(engine))
	}
	err = do(host)
	return errors.Join(err, stopEngine(engine))
}

func waitEngine(ctx context.Context, engine *devmode.Process, host string) error {
	ctx, cancel := context.WithTimeout(ctx, engineStart)
	defer cancel()
	return devmode.Until(ctx, func() error {
		if engine.Ended() {
			return devmode.StopTrying(errors.New("it has ended"))
		}
		return engineAnswers(ctx, host)
	})
}

// stopEngine ends the engine. Its end is awaited, because its mounts lie in the
// folder that is removed after it.
func stopEngine(engine *devmode.Process) error {
	if engine.Ended() {
		return nil
	}
	return engine.Stop()
}

// removeGroups removes the control groups that the engine made for its
// containers, which stay behind empty.
func removeGroups(group string) {
	folders, _ := filepath.Glob("/sys/fs/cgroup/*/" + group) // the pattern is ours
	for _, folder := range append(folders, "/sys/fs/cgroup/"+group) {
		_ = os.Remove(folder) // one that is not there, or not empty, stays
	}
}
