package push

import (
	"context"
	"sync/atomic"
	"testing"
)

// checked is a Checker of which it is known whether it ended.
type checked struct {
	*provider
	ended atomic.Int32
}

func (c *checked) Check(context.Context) Diagnosis { return Diagnosis{} }
func (c *checked) Explain(Result) Diagnosis        { return Diagnosis{} }
func (c *checked) end()                            { c.ended.Add(1) }

func TestMessagesUnderWayEndWithTheirOwnCredential(t *testing.T) {
	under, release := make(chan struct{}), make(chan struct{})
	former, next := &checked{provider: &provider{}}, &checked{provider: &provider{}}
	former.set(func(context.Context, Message) Result {
		close(under)
		<-release
		return Result{}
	})
	r := NewRotating(former, former.end)
	done := make(chan Result)
	go func() { done <- r.Send(t.Context(), Message{}) }()
	<-under
	r.Replace(next, next.end)
	if got := r.Send(t.Context(), Message{}); got.Verdict != Delivered || len(next.messages()) != 1 {
		t.Errorf("after the switch: %v, %d through the new one", got.Verdict, len(next.messages()))
	}
	if former.ended.Load() != 0 {
		t.Error("the former one ended under its message")
	}
	close(release)
	if got := <-done; got.Verdict != Delivered {
		t.Errorf("the message under way: %v", got.Verdict)
	}
	if former.ended.Load() != 1 {
		t.Errorf("the former one ended %d times", former.ended.Load())
	}
	r.Close()
	r.Close()
	if next.ended.Load() != 1 {
		t.Errorf("the last one ended %d times", next.ended.Load())
	}
}
