package httpservice

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/routing"
)

const (
	contentType = "application/octet-stream"
	contentJSON = "application/json"

	// maxJSON has room for an answer whose items are base64.
	maxJSON = 2 * routing.MaxAnswer
)

// result of one HTTP request.
type result struct {
	// status is the HTTP status; 0: there was no answer.
	status int
	// late: the device's time was over.
	late  bool
	cause error // of the transport, without the URL
	body  []byte
	fault *routing.StatusError
}

// unanswered says why there is no answer. Where the request had been sent,
// nobody knows whether it took effect, and "ask again" would be wrong advice.
func unanswered(ctx context.Context, err error, sent bool) result {
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		err = outer.Err // the URL is the operator's, not for logs
	}
	switch {
	case ctx.Err() != nil:
		return result{late: true, cause: err, fault: &routing.StatusError{Code: wire.StatusDeadline, Message: "the service did not answer in time"}}
	case sent:
		return result{cause: err, fault: &routing.StatusError{Code: wire.StatusInternal, Message: "the connection to the service broke: whether the call took effect is not known"}}
	default:
		return result{cause: err, fault: &routing.StatusError{Code: wire.StatusUnavailable, Message: "the service cannot be reached: ask again later"}}
	}
}

// read takes a response for what it is: bytes that somebody else chose.
func read(ctx context.Context, resp *http.Response, sync bool) result {
	r := result{status: resp.StatusCode}
	typ, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case resp.StatusCode/100 == 1:
		// Of a 101 the body is the connection, which heeds no deadline.
		r.fault = &routing.StatusError{Code: wire.StatusInternal, Message: "the service answered as if it were asked for another protocol"}
		return r
	case resp.StatusCode/100 == 3:
		r.fault = &routing.StatusError{Code: wire.StatusInternal, Message: "the service answered with a redirect, which is not followed: configure the final URL"}
		return r
	case resp.StatusCode/100 != 2:
		r.fault = &routing.StatusError{Code: routing.StatusOfCode(strconv.Itoa(resp.StatusCode)), Message: words(resp, typ)}
		return r
	}
	most := routing.MaxAnswer
	if sync && typ == contentJSON {
		most = maxJSON
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(most)+1))
	if err != nil {
		broken := unanswered(ctx, err, true)
		broken.status = 0
		return broken
	}
	if len(body) > most {
		r.fault = tooLarge(most)
		return r
	}
	r.body = body
	if sync {
		r.body, r.fault = syncAnswer(body, typ == contentJSON)
	}
	return r
}

func tooLarge(most int) *routing.StatusError {
	return &routing.StatusError{Code: wire.StatusInternal, Message: fmt.Sprintf("the service's answer has more than the %d bytes that fit a frame", most)}
}

// words are what the device is told of an error.
func words(resp *http.Response, typ string) string {
	text := fmt.Sprintf("the service answered %d", resp.StatusCode)
	if typ != "text/plain" {
		return text
	}
	// An error of reading means fewer words.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, routing.MaxMessage))
	if own := routing.CleanMessage(string(body)); own != "" {
		return own
	}
	return text
}

// syncToJSON turns a device's SyncRequest into JSON.
func syncToJSON(body []byte) ([]byte, error) {
	var req wirepb.SyncRequest
	if err := proto.Unmarshal(body, &req); err != nil {
		return nil, err
	}
	return protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(&req)
}

// syncAnswer checks a SyncResponse, in JSON or protobuf, and returns it as the
// device reads it.
func syncAnswer(body []byte, json bool) ([]byte, *routing.StatusError) {
	var resp wirepb.SyncResponse
	var err error
	if json {
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(body, &resp)
	} else {
		err = proto.Unmarshal(body, &resp)
	}
	if err != nil {
		return nil, &routing.StatusError{Code: wire.StatusInternal, Message: "the service's answer is not a SyncResponse"}
	}
	out, err := proto.Marshal(&resp)
	if err != nil {
		return nil, &routing.StatusError{Code: wire.StatusInternal, Message: "the service's answer is not a SyncResponse"}
	}
	if len(out) > routing.MaxAnswer {
		return nil, tooLarge(routing.MaxAnswer)
	}
	return out, nil
}
