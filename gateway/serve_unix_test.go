//go:build unix

package main

import (
	"bytes"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"
)

type tellingWriter struct {
	bytes.Buffer
	written chan struct{}
}

func (w *tellingWriter) Write(p []byte) (int, error) {
	defer func() { w.written <- struct{}{} }()
	return w.Buffer.Write(p)
}

// A SIGHUP, as many send it to have files read anew, ends nothing.
func TestHangup(t *testing.T) {
	log := &tellingWriter{written: make(chan struct{}, 1)}
	stop := ignoreHangups(slog.New(slog.NewJSONHandler(log, nil)))
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	select {
	case <-log.written:
	case <-time.After(time.Minute):
		t.Error("nothing was said")
	}
	stop()
	if !strings.Contains(log.String(), "SIGHUP") {
		t.Errorf("the log says %q", log.String())
	}
}
