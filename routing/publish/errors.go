package publish

import (
	"fmt"
	"time"

	"connectrpc.com/connect"
)

// Error is why an event was not stored. Code is what HTTP and gRPC callers
// see; Message says what to do.
type Error struct {
	Code    connect.Code
	Message string
	// RetryAfter is when a repeat, with the same id, may succeed; 0: a repeat
	// does not help.
	RetryAfter time.Duration

	// result is the metric's label.
	result string
	cause  error
}

// Error returns the code and the message.
func (e *Error) Error() string { return e.Code.String() + ": " + e.Message }

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

func invalid(format string, args ...any) *Error {
	return &Error{Code: connect.CodeInvalidArgument, Message: fmt.Sprintf(format, args...), result: resultInvalid}
}

func unavailable(cause error, after time.Duration, format string, args ...any) *Error {
	return &Error{Code: connect.CodeUnavailable, Message: fmt.Sprintf(format, args...), RetryAfter: after, result: resultUnavailable, cause: cause}
}

// busy refuses what is above a bound of this process.
func busy() *Error {
	return &Error{Code: connect.CodeUnavailable, Message: "this router has too many events in work: repeat with the same id after 1 s, or at another router",
		RetryAfter: time.Second, result: resultBusy}
}

func internal(cause error) *Error {
	return &Error{Code: connect.CodeInternal, Message: "the event was not stored: the router's log has the reason", result: resultInternal, cause: cause}
}
