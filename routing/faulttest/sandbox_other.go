//go:build !linux

package main

import (
	"context"
	"errors"
	"io"
)

var errNoNamespaces = errors.New("network namespaces are Linux's: use --loopback, for the faults that need no network of their own")

func inside() bool      { return false }
func enclosable() error { return errNoNamespaces }
func furnish() error    { return errNoNamespaces }

func enclose(context.Context, []string, io.Writer, io.Writer) (int, error) {
	return 1, errNoNamespaces
}

func newSpaces(string, []string) (place, error) { return nil, errNoNamespaces }
