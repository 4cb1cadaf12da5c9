package client

import (
	"errors"
	"fmt"

	"github.com/hawser-edge/hawser/gateway/wire"
)

var (
	// ErrRunning: Run was called while another Run of the client is under way.
	ErrRunning = errors.New("client: Run is already running")
	// ErrNotRunning: the call needs a client whose Run is under way.
	ErrNotRunning = errors.New("client: not running: call Run first")
	// ErrNotConnected: no connection came up before the call's context ended.
	ErrNotConnected = errors.New("client: not connected")
	// ErrConnectionLost: the connection ended before the answer came. Whether
	// the call took effect is not known.
	ErrConnectionLost = errors.New("client: the connection was lost before the answer")
	// ErrBadAnswer: the answer to a sync makes no sense.
	ErrBadAnswer = errors.New("client: the answer to a sync makes no sense")

	errProtocol   = errors.New("client: the edge broke the protocol")
	errNoAnswer   = errors.New("client: the edge did not answer in time")
	errNetwork    = errors.New("client: the connection did not survive the change of network")
	errOverflow   = errors.New("client: the edge does not take what is sent")
	errClosed     = errors.New("client: closed by the device")
	errLoggedOut  = errors.New("client: logged out")
	errNoProgress = errors.New("client: the sync brought nothing new")
)

// CloseError is returned by Run when the edge closed the connection with a
// code that needs the application: see its Code's Advice.
type CloseError struct {
	Code wire.CloseCode
	// Reason is the edge's text, for logs.
	Reason string
}

// Error implements error.
func (e *CloseError) Error() string {
	text := fmt.Sprintf("client: the edge closed the connection: %d %s", uint16(e.Code), e.Code)
	if e.Reason != "" {
		text += fmt.Sprintf(" (%q)", e.Reason)
	}
	return text + ": " + e.Code.Advice()
}

// RequestError is the answer to a Request that failed.
type RequestError struct {
	Status wire.Status
	// Message is the service's text, for logs.
	Message string
}

// Error implements error.
func (e *RequestError) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("client: request failed: %s", e.Status)
	}
	return fmt.Sprintf("client: request failed: %s: %q", e.Status, e.Message)
}
