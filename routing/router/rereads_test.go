package router

import (
	"context"
	"testing"
	"testing/synctest"
)

// A router that is stopped again while it reads what it missed has not read what
// it missed the second time.
func TestRereads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRereads()
		begun, goOn := make(chan struct{}), make(chan error)
		go r.run(t.Context(), func(context.Context) error {
			begun <- struct{}{}
			return <-goOn
		})
		step := func(name string, result error, wanted bool) {
			t.Helper()
			goOn <- result
			synctest.Wait()
			if r.wanted() != wanted {
				t.Fatalf("%s: wanted %v", name, r.wanted())
			}
		}
		r.ask()
		<-begun
		step("a reading that failed", context.DeadlineExceeded, true)
		<-begun
		r.ask()
		r.ask()
		step("asked again before it was done", nil, true)
		<-begun
		step("asked twice, read once", nil, false)
		r.ask()
		<-begun
		step("asked later", nil, false)
	})
}
