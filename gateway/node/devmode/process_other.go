//go:build !unix

package devmode

import "os"

func interrupt(p *os.Process) error { return p.Kill() }

// Freeze reports that this system cannot stop a process in the middle.
func (p *Process) Freeze() (bool, error) { return false, nil }

// Thaw does nothing: no process is frozen here.
func (p *Process) Thaw() error { return nil }
