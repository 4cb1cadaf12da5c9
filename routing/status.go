package routing

import (
	"errors"
	"strconv"
	"strings"
	"unicode"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/wire"
)

// Headers of an answer that is an error. They are those of nats micro, so
// that its services need nothing else.
const (
	HeaderServiceError     = "Nats-Service-Error"
	HeaderServiceErrorCode = "Nats-Service-Error-Code"
)

// StatusOfCode maps the error code of a service's answer. Codes are read
// like HTTP's; what is not known is StatusInternal.
func StatusOfCode(code string) wire.Status {
	switch code {
	case "400", "422":
		return wire.StatusInvalid
	case "401":
		return wire.StatusUnauthenticated
	case "403":
		return wire.StatusPermissionDenied
	case "404":
		return wire.StatusNotFound
	case "408", "504":
		return wire.StatusDeadline
	case "409", "412":
		return wire.StatusFailedPrecondition
	case "429":
		return wire.StatusExhausted
	case "502", "503":
		return wire.StatusUnavailable
	default:
		return wire.StatusInternal
	}
}

// CodeOfStatus is the code that StatusOfCode reads as s; 200 for StatusOK.
func CodeOfStatus(s wire.Status) string {
	code := 500
	switch s {
	case wire.StatusOK:
		code = 200
	case wire.StatusInvalid:
		code = 400
	case wire.StatusUnauthenticated:
		code = 401
	case wire.StatusPermissionDenied:
		code = 403
	case wire.StatusNotFound:
		code = 404
	case wire.StatusDeadline:
		code = 504
	case wire.StatusUnavailable:
		code = 503
	case wire.StatusExhausted:
		code = 429
	case wire.StatusFailedPrecondition:
		code = 412
	}
	return strconv.Itoa(code)
}

// StatusError is an error with the status that a device is told.
type StatusError struct {
	Code wire.Status
	// Message is a sentence for the device's log.
	Message string
}

// Error returns the message.
func (e *StatusError) Error() string { return e.Message }

// Status returns the status.
func (e *StatusError) Status() wire.Status { return e.Code }

// MaxAnswer is the greatest answer of a service, in bytes: it must fit a frame
// with the Response around it.
const MaxAnswer = wire.MaxPayload - 1<<10

// MaxMessage bounds a service's own words about an error, in bytes.
const MaxMessage = 256

// CleanMessage makes one bounded line of valid text out of the words of a
// service, which may have sent anything.
func CleanMessage(s string) string {
	if len(s) > MaxMessage {
		s = s[:MaxMessage]
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "")))
}

// ErrTooManyDevices is returned for a question about presence whose answer
// would be too large.
var ErrTooManyDevices = errors.New("too many devices for one answer: ask for fewer users")

// ErrUnsafeReply: a request named a reply subject that is nobody's inbox.
var ErrUnsafeReply = errors.New("request without a reply subject in an inbox: not answered")

// RespondError answers a request with an error. It answers safe reply
// subjects only.
func RespondError(m *nats.Msg, e *StatusError) error {
	if !SafeReply(m.Reply) {
		return ErrUnsafeReply
	}
	return m.RespondMsg(&nats.Msg{Header: nats.Header{
		HeaderServiceErrorCode: {CodeOfStatus(e.Code)}, HeaderServiceError: {e.Message},
	}})
}
