package natstest

import (
	"bufio"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// Loss decides whether a message is lost: fromServer tells its direction.
// It is called from several goroutines.
type Loss func(fromServer bool, subject string) bool

// NewLossyLine opens a line that understands NATS, so that it can lose single
// messages, as NATS does in silence when a server or a link fails.
func NewLossyLine(t testing.TB, target string) *Line {
	t.Helper()
	return newLine(t, target, &atomic.Pointer[Loss]{})
}

// Lose has the messages lost for which loss is true, from now on; nil ends it.
// The line must be a lossy one.
func (l *Line) Lose(loss Loss) {
	if loss == nil {
		l.loss.Store(nil)
		return
	}
	l.loss.Store(&loss)
}

// sift carries one direction, message by message.
func (l *Line) sift(to net.Conn, from io.Reader, fromServer bool) {
	r := bufio.NewReader(from)
	w := bufio.NewWriter(to)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		body, err := readBody(r, line)
		if err != nil {
			return
		}
		l.pass()
		if subject, ok := subjectOf(line); !ok || !l.loses(fromServer, subject) {
			_, _ = w.WriteString(line) // an error stays and shows at Flush
			_, _ = w.Write(body)
		}
		if r.Buffered() == 0 {
			if err := w.Flush(); err != nil {
				return
			}
		}
	}
}

func (l *Line) loses(fromServer bool, subject string) bool {
	loss := l.loss.Load()
	return loss != nil && (*loss)(fromServer, subject)
}

// subjectOf returns the subject where the line begins a message.
func subjectOf(line string) (string, bool) {
	fields := strings.Fields(line)
	if len(fields) < 3 {
		return "", false
	}
	switch fields[0] {
	case "MSG", "HMSG", "PUB", "HPUB":
		return fields[1], true
	}
	return "", false
}

// readBody reads what belongs to the line: a message's payload, with its end
// of line.
func readBody(r io.Reader, line string) ([]byte, error) {
	if _, ok := subjectOf(line); !ok {
		return nil, nil
	}
	fields := strings.Fields(line)
	n, err := strconv.Atoi(fields[len(fields)-1])
	if err != nil {
		return nil, err
	}
	body := make([]byte, n+2)
	_, err = io.ReadFull(r, body)
	return body, err
}
