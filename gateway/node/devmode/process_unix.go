//go:build unix

package devmode

import (
	"os"
	"syscall"
)

func interrupt(p *os.Process) error { return p.Signal(syscall.SIGTERM) }

// Freeze stops the process in the middle of whatever it does: it holds its
// connections and its work and answers nothing, as a machine that hangs.
// It reports whether this system can do that.
func (p *Process) Freeze() (bool, error) { return true, p.cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw lets a frozen process go on.
func (p *Process) Thaw() error { return p.cmd.Process.Signal(syscall.SIGCONT) }
