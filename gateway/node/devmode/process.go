package devmode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// stopGrace is how long a process that was asked to end may drain before it
// is killed.
const stopGrace = time.Minute

// A Process is a part of the fleet in an operating system process of its own,
// as an operator runs it. The one who started it ends it with Stop or Kill.
type Process struct {
	// Static after Start.
	Name string
	// Log is the file that its standard error goes to.
	Log  string
	cmd  *exec.Cmd
	done chan struct{} // closed once the process has ended

	// Written before done is closed.
	err error
}

// Start runs `program serve --config config` with its log in dir. The process
// outlives ctx only until it is noticed: ctx ending kills it.
func Start(ctx context.Context, program, config, name, dir string) (*Process, error) {
	return StartProgram(ctx, name, dir, program, "serve", "--config", config)
}

// StartProgram is Start for any program and its arguments, such as a NATS
// server of its own.
func StartProgram(ctx context.Context, name, dir, program string, args ...string) (*Process, error) {
	p := &Process{Name: name, Log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	if _, err := os.Lstat(p.Log); errors.Is(err, os.ErrNotExist) {
		if err := keepSaid(p.Log); err != nil {
			return nil, err
		}
	}
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", name, err)
	}
	defer log.Close() // the child holds its own descriptor
	p.cmd = exec.CommandContext(ctx, program, args...)
	p.cmd.Stderr = log
	p.cmd.Stdout = log
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(p.done)
		p.err = p.cmd.Wait()
	}()
	return p, nil
}

// Kill ends the process at once and without notice, as a crash or the kernel
// would, and waits until it is gone.
func (p *Process) Kill() {
	// An error means that it has ended already.
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Stop asks the process to drain and waits for it; one that does not end in
// time is killed, and that is an error.
func (p *Process) Stop() error {
	if err := interrupt(p.cmd.Process); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.Kill()
		return fmt.Errorf("ask %s to stop: %w", p.Name, err)
	}
	select {
	case <-p.done:
	case <-time.After(stopGrace):
		p.Kill()
		return fmt.Errorf("%s did not stop within %v and was killed: see %s", p.Name, stopGrace, p.Log)
	}
	if p.err != nil {
		return fmt.Errorf("%s ended with %w: see %s", p.Name, p.err, p.Log)
	}
	return nil
}

// Pid is the process's number in the system.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed once the process is gone.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ended reports whether the process is gone.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}
