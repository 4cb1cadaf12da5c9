package pushtest

import (
	"context"
	"io"
	"net/http"
	"strconv"
)

// maxBody bounds what is read of a request; a longer one arrives cut, and is
// refused for its size. It is a stream's flow-control window.
const maxBody = 1<<16 - 1

// call is one request, whole.
type call struct {
	// ctx ends with the stream or its connection.
	ctx context.Context
	// connection counts connections from 1; stream is 0 without HTTP/2.
	connection int64
	stream     uint32
	// memory is what the service remembers of the connection; nil without
	// HTTP/2.
	memory *connMemory

	method, path string
	header       http.Header
	body         []byte
}

// answer is what a call is answered with.
type answer struct {
	status int
	header http.Header
	body   []byte
	// breaks says what happens below HTTP, instead of the answer or after it.
	breaks Break
}

// admit reports whether the call's notification may still be taken.
func (c *call) admit() bool { return c.memory == nil || c.memory.conn.admit(c.stream) }

func newAnswer(status int, contentType string, body []byte) answer {
	h := http.Header{}
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	return answer{status: status, header: h, body: body}
}

// service answers calls; both simulators are one.
type service interface {
	answer(c *call) answer
}

// overHTTP1 serves what comes without HTTP/2, as the token endpoint's requests
// do. Whatever breaks an answer there cuts its connection.
type overHTTP1 struct{ service }

// ServeHTTP implements http.Handler.
func (s overHTTP1) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return
	}
	a := s.answer(&call{ctx: r.Context(), method: r.Method, path: r.URL.Path, header: r.Header, body: body})
	if a.breaks != Intact {
		panic(http.ErrAbortHandler)
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}
