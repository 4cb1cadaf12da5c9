package pushtest

import (
	"encoding/json"
	"net/http"
)

const (
	typeFcmError   = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
	typeBadRequest = "type.googleapis.com/google.rpc.BadRequest"
)

// rpcStatus is the status word that Google writes beside an HTTP status.
func rpcStatus(code int) string {
	switch code {
	case http.StatusBadRequest:
		return "INVALID_ARGUMENT"
	case http.StatusUnauthorized:
		return "UNAUTHENTICATED"
	case http.StatusForbidden:
		return "PERMISSION_DENIED"
	case http.StatusNotFound:
		return "NOT_FOUND"
	case http.StatusTooManyRequests:
		return "RESOURCE_EXHAUSTED"
	case http.StatusServiceUnavailable:
		return "UNAVAILABLE"
	default:
		return "INTERNAL"
	}
}

// BadRequest is the answer to a malformed message: 400 with a field violation
// and no FcmError.
func BadRequest(description string) Reply {
	return badRequest(violation("message", description))
}

// InvalidArgument is the answer that names a field and has an FcmError beside
// that: "message.token" where the registration token is none.
func InvalidArgument(field string) Reply {
	return badRequest(
		map[string]any{"@type": typeFcmError, "errorCode": "INVALID_ARGUMENT"},
		violation(field, "Invalid value"),
	)
}

func badRequest(details ...map[string]any) Reply {
	body, _ := json.Marshal(errorBody(http.StatusBadRequest, details...)) // text and numbers
	return Reply{Status: http.StatusBadRequest, Raw: string(body), ContentType: "application/json"}
}

func violation(field, description string) map[string]any {
	return map[string]any{
		"@type":           typeBadRequest,
		"fieldViolations": []map[string]string{{"field": field, "description": description}},
	}
}

func errorBody(code int, details ...map[string]any) map[string]any {
	return map[string]any{"error": map[string]any{
		"code": code, "status": rpcStatus(code), "message": "simulated: " + rpcStatus(code), "details": details,
	}}
}

func wordFCM(r Reply) answer {
	var details []map[string]any
	if r.Reason != "" {
		details = append(details, map[string]any{"@type": typeFcmError, "errorCode": r.Reason})
	}
	body, _ := json.Marshal(errorBody(r.Status, details...)) // text and numbers
	return r.answer(body)
}
