package wire

import "strconv"

// Status is the outcome of a Request.
type Status uint8

// The outcomes. An unknown one is treated as StatusInternal.
const (
	// StatusOK: the body is the answer.
	StatusOK Status = 0
	// StatusInvalid: the request makes no sense to the service.
	StatusInvalid Status = 1
	// StatusUnauthenticated: the service refused the device's token.
	StatusUnauthenticated Status = 2
	// StatusPermissionDenied: the service is not on the tenant's list, or
	// refused this user.
	StatusPermissionDenied Status = 3
	// StatusNotFound: there is no such thing, or no such method.
	StatusNotFound Status = 4
	// StatusDeadline: no answer came in time. Whether the call took effect
	// is not known.
	StatusDeadline Status = 5
	// StatusUnavailable: nobody took the call. Ask again later.
	StatusUnavailable Status = 6
	// StatusExhausted: too many requests. Ask again more slowly.
	StatusExhausted Status = 7
	// StatusInternal: the service failed.
	StatusInternal Status = 8
	// StatusFailedPrecondition: not in the present state of things; asking
	// again does not help by itself.
	StatusFailedPrecondition Status = 9
)

// Statuses returns every status there is.
func Statuses() []Status {
	var all []Status
	for s := StatusOK; s <= StatusFailedPrecondition; s++ {
		all = append(all, s)
	}
	return all
}

// String returns the name of the status, as in metrics.
func (s Status) String() string {
	switch s {
	case StatusOK:
		return "ok"
	case StatusInvalid:
		return "invalid"
	case StatusUnauthenticated:
		return "unauthenticated"
	case StatusPermissionDenied:
		return "permission_denied"
	case StatusNotFound:
		return "not_found"
	case StatusDeadline:
		return "deadline"
	case StatusUnavailable:
		return "unavailable"
	case StatusExhausted:
		return "exhausted"
	case StatusInternal:
		return "internal"
	case StatusFailedPrecondition:
		return "failed_precondition"
	default:
		return "status_" + strconv.Itoa(int(s))
	}
}
