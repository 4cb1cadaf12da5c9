package transport

import (
	"errors"
	"os"
)

// Parker is a Conn that needs nobody to wait in Read: TCP on Linux. On others
// a goroutine reads.
type Parker interface {
	Conn
	// Park gives the connection's events to h, for good. From then on neither
	// Read nor Write waits: Read answers with an error that matches
	// os.ErrDeadlineExceeded where nothing has come yet, and Write takes
	// everything; how much of it still waits for the peer, Backlog tells. Once
	// that is given up Read fails with ErrDeaf, if not with another error.
	// Park returns after h was called for what had come before. The caller
	// must not have a Read or a Write under way.
	Park(h Handler)
	// Backlog reports whether something that was written still waits. If it
	// does, Handler.Drained is called, once, when it does not any more or is
	// given up: by the write deadline, or because the connection failed.
	Backlog() bool
}

// Handler is called by a Parker. Its calls do not overlap, and must not block:
// other connections wait for them.
type Handler interface {
	// Ready is called when there may be something to read, when the read
	// deadline has passed, and after CloseWithCode, then for the last time. It
	// has to read until Read fails.
	Ready()
	// Drained; see Parker.Backlog. An error is why what waited was given up;
	// then only CloseWithCode is left. It is not called after CloseWithCode.
	Drained(err error)
}

// isNothingYet reports whether reading failed for now only.
func isNothingYet(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
