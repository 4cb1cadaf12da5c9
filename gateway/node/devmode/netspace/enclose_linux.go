package netspace

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

// endGrace is how long a process inside may take to end when it was asked to.
const endGrace = 30 * time.Second

// Possible reports why this process cannot make namespaces of its own, or
// which of the programs that it needs in them is missing; nil: it can. It
// wraps ErrImpossible.
func Possible(programs ...string) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: run it as root", ErrImpossible)
	}
	for _, p := range append([]string{"ip"}, programs...) {
		if _, err := exec.LookPath(p); err != nil {
			return fmt.Errorf("%w, and %s in them: install it: %w", ErrImpossible, p, err)
		}
	}
	cmd := exec.Command("ip", "-V")
	cmd.SysProcAttr = namespaces()
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: this system refuses them: %w", ErrImpossible, err)
	}
	return nil
}

// namespaces are new ones of every sort that a run could leave something in.
// Whatever ends the parent ends the child, and with it, the first process of
// its namespace, everything inside.
func namespaces() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
}

// Enclose runs this program again inside namespaces, with args, and returns
// its exit code. When ctx ends the inner one is asked to end too.
func Enclose(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	// The parent's death is noticed by the thread that started the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = endGrace
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

// Furnish gives the namespaces what ordinary programs expect. It is called
// first thing inside.
func Furnish() error {
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
