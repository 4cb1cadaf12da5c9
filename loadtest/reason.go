package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"connectrpc.com/connect"

	"github.com/hawser-edge/hawser/gateway/rawdevice"
	"github.com/hawser-edge/hawser/gateway/transport"
)

// reasonOf names why an attempt failed or a connection ended, in a word that
// can be counted.
func reasonOf(err error) string {
	var told *rawdevice.ClosedError
	if errors.As(err, &told) {
		return fmt.Sprintf("close_%d_%s", told.Code, told.Code)
	}
	if code, _, ok := transport.CodeFromError(err); ok {
		return fmt.Sprintf("close_%d", code)
	}
	for _, known := range []struct {
		err  error
		word string
	}{
		{context.DeadlineExceeded, "timeout"},
		{os.ErrDeadlineExceeded, "timeout"},
		{rawdevice.ErrSilent, "silent"},
		{syscall.ECONNREFUSED, "refused"},
		{syscall.ECONNRESET, "reset"},
		{syscall.EPIPE, "reset"},
		{syscall.EMFILE, "no_descriptors"},
		{syscall.EADDRNOTAVAIL, "no_source_port"},
		{io.EOF, "ended_by_edge"},
		{io.ErrUnexpectedEOF, "ended_by_edge"},
	} {
		if errors.Is(err, known.err) {
			return known.word
		}
	}
	var timeout net.Error
	switch {
	case transport.Refused(err):
		return "refused"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	return "other"
}

// publishReasonOf is reasonOf for publications.
func publishReasonOf(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "timeout"
	}
	return connect.CodeOf(err).String()
}
