package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// insideEnv says, to the process that runs inside, that it does.
const insideEnv = "HAWSER_FAULTTEST_INSIDE"

func inside() bool { return os.Getenv(insideEnv) != "" }

// enclosable reports why this process cannot make namespaces of its own; nil:
// it can.
func enclosable() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: run it as root, or with --loopback for the faults that need no network of their own", errNoNamespaces)
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return fmt.Errorf("%w: install ip of iproute2, or use --loopback: %w", errNoNamespaces, err)
	}
	cmd := exec.Command("ip", "-V")
	cmd.SysProcAttr = namespaces()
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: this system refuses them, use --loopback: %w", errNoNamespaces, err)
	}
	return nil
}

var errNoNamespaces = errors.New("the fleet needs network, mount and process namespaces of its own")

// namespaces are new ones of every sort that a run could leave something in.
// Whatever ends the parent ends the child, and with it, the first process of
// its namespace, everything inside.
func namespaces() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
}

// enclose runs this program again inside namespaces, with args, and returns
// its exit code. When ctx ends the inner one is asked to end too.
func enclose(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	// The parent's death is noticed by the thread that started the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.SysProcAttr = namespaces()
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 1, fmt.Errorf("run inside namespaces: %w", err)
	}
	return 0, nil
}

// furnish gives the namespaces what ordinary programs expect. It is called
// first thing inside.
func furnish() error {
	for _, m := range []struct {
		source, target, kind string
		flags                uintptr
	}{
		{"none", "/", "", unix.MS_REC | unix.MS_PRIVATE}, // what is mounted from here on stays inside
		{"proc", "/proc", "proc", 0},
		{"tmpfs", "/run", "tmpfs", 0}, // where ip keeps the names of namespaces
	} {
		if err := unix.Mount(m.source, m.target, m.kind, m.flags, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.target, err)
		}
	}
	return nil
}
