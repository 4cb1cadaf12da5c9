package pushtest

import (
	"net/http"
	"strconv"
	"time"
)

// Reply is one prepared answer.
type Reply struct {
	// Status of the answer, for instance 503. 0 or 200: the notification is
	// taken, if nothing is wrong with it.
	Status int
	// Reason is APNs' reason, or FCM's error code (UNREGISTERED, ...), which
	// the body then carries as the service writes it.
	Reason string
	// RetryAfter is sent as the Retry-After header if above 0, in whole seconds,
	// or as an HTTP date where RetryDate is set.
	RetryAfter time.Duration
	RetryDate  bool
	// Date is what the service's clock says, in the header of that name. Zero:
	// nothing.
	Date time.Time
	// Timestamp goes into the body of a 410 of APNs.
	Timestamp time.Time
	// Raw, if set, is the body as it is, with ContentType.
	Raw         string
	ContentType string
	// Break is what happens below HTTP.
	Break Break
}

// HTML404 is what a proxy or a wrong path answers: it says nothing of a token.
func HTML404() Reply { return HTMLError(http.StatusNotFound) }

// HTMLError is the page of a proxy on the way.
func HTMLError(status int) Reply {
	return Reply{Status: status, Raw: "<html><title>" + strconv.Itoa(status) + "</title>not here</html>", ContentType: "text/html"}
}

// takes reports whether the reply lets the notification in. What a proxy answers
// in the service's place lets nothing in.
func (r Reply) takes() bool {
	return (r.Status == 0 || r.Status == http.StatusOK) && r.Raw == "" && !r.Break.before()
}

// answer words a reply around the body that its service writes.
func (r Reply) answer(body []byte) answer {
	a := newAnswer(r.Status, "application/json", body)
	if r.Raw != "" {
		a = newAnswer(r.Status, r.ContentType, []byte(r.Raw))
	}
	switch {
	case r.RetryAfter > 0 && r.RetryDate:
		a.header.Set("Retry-After", time.Now().Add(r.RetryAfter).UTC().Format(http.TimeFormat))
	case r.RetryAfter > 0:
		a.header.Set("Retry-After", strconv.Itoa(int(r.RetryAfter/time.Second)))
	}
	if !r.Date.IsZero() {
		a.header.Set("Date", r.Date.UTC().Format(http.TimeFormat))
	}
	a.breaks = r.Break
	return a
}
