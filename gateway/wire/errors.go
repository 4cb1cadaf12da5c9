package wire

import (
	"errors"
	"fmt"
)

// What is wrong with a frame or a name. Errors of this package wrap one or
// more of them; test with errors.Is.
var (
	// ErrMalformed: the payload is not what its type promises. The frame's
	// borders are known, but nothing after it is to be trusted.
	ErrMalformed = errors.New("malformed")
	// ErrTooLarge: the payload is longer than the reader allows. It has not
	// been read.
	ErrTooLarge = errors.New("frame too large")
	// ErrID: a tenant, user, device, kind, service or method outside the
	// grammar.
	ErrID = errors.New("invalid id")
	// ErrVersion: a version outside 1 to MaxVersion.
	ErrVersion = errors.New("invalid version")
)

// FrameError says which frame is wrong and how.
type FrameError struct {
	Type Type
	// Err wraps ErrTooLarge or ErrMalformed, and ErrID or ErrVersion where a
	// single value is at fault.
	Err error
}

// Error names the frame and says what is wrong.
func (e *FrameError) Error() string { return "wire: " + e.Type.String() + ": " + e.Err.Error() }

// Unwrap returns Err.
func (e *FrameError) Unwrap() error { return e.Err }

// tooLarge is a length above the reader's limit.
type tooLarge struct {
	length uint64
	limit  int
}

func (e *tooLarge) Error() string {
	return fmt.Sprintf("frame too large: %d bytes, at most %d are allowed", e.length, e.limit)
}

func (e *tooLarge) Unwrap() error { return ErrTooLarge }

// malformed is a payload at fault: a sentence of its own, which may wrap a
// cause such as ErrID.
type malformed struct {
	text  string
	cause error
}

func (m *malformed) Error() string { return "malformed: " + m.text }

func (m *malformed) Unwrap() []error {
	if m.cause == nil {
		return []error{ErrMalformed}
	}
	return []error{ErrMalformed, m.cause}
}
