package pushtest

import (
	"context"
	"net/http"
	"runtime"
	"testing"
	"time"
)

// TestCloseLeavesNothingBehind closes a simulator in the middle of requests
// that it would never answer.
func TestCloseLeavesNothingBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	a, err := NewAPNs(APNsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c := httpClient(t, a.server)
	a.BlackHole(true)
	failed := make(chan error, 5)
	for range cap(failed) {
		r := a.request(t, "aabb", goodBody)
		go func() {
			resp, err := c.Do(r)
			if err == nil {
				_ = resp.Body.Close()
			}
			failed <- err
		}()
	}
	for len(a.Requests()) < cap(failed) {
		time.Sleep(time.Millisecond)
	}
	a.Freeze(true)
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if err := a.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	for range cap(failed) {
		if <-failed == nil {
			t.Error("a request was answered")
		}
	}
	c.Transport.(*http.Transport).CloseIdleConnections()
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
	}
}

func TestWaitReceived(t *testing.T) {
	a := newAPNs(t, APNsOptions{})
	c := httpClient(t, a.server)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if got, err := a.WaitReceived(ctx, 1); err == nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	r := a.request(t, "aabb", goodBody)
	go func() {
		if resp, err := c.Do(r); err == nil {
			_ = resp.Body.Close()
		}
	}()
	if got, err := a.WaitReceived(t.Context(), 1); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestJournalIsBounded(t *testing.T) {
	j := newJournal()
	for range maxJournal + 1 {
		j.add(Notification{Token: "t", Background: true})
	}
	if n := len(j.Received()); n > maxJournal {
		t.Errorf("%d entries", n)
	}
	if n := j.Count(); n != maxJournal+1 {
		t.Errorf("count %d", n)
	}
}
