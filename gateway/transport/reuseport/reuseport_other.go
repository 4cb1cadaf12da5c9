//go:build !linux

package reuseport

import (
	"context"
	"errors"
	"net"
	"syscall"
)

// Supported reports whether this system has what the package needs.
const Supported = false

// Share makes listening fail.
func Share(lc *net.ListenConfig) {
	lc.Control = func(string, string, syscall.RawConn) error { return errors.ErrUnsupported }
}

// Leave does nothing.
func Leave(context.Context, syscall.RawConn) error { return nil }

// Migrates is false.
func Migrates() bool { return false }

// Release does nothing.
func Release(int) {}
