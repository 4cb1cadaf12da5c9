package jsapi_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/jsapi"
)

// stream has the messages a.x "one", b.x "two" with a header, and a.y "three".
func stream(t *testing.T) (context.Context, *nats.Conn, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	nc := natstest.Run(t).Conn(routing.RoleRouter, "test")
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	const name = "THINGS"
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: []string{"a.*", "b.*"}, Storage: jetstream.MemoryStorage}); err != nil {
		t.Fatal(err)
	}
	for _, m := range []*nats.Msg{
		{Subject: "a.x", Data: []byte("one")},
		{Subject: "b.x", Data: []byte("two"), Header: nats.Header{"Colour": {"red"}}},
		{Subject: "a.y", Data: []byte("three")},
	} {
		if _, err := js.PublishMsg(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	return ctx, nc, name
}

func TestGetFindsWhatIsAskedFor(t *testing.T) {
	began := time.Now()
	ctx, nc, name := stream(t)
	for what, tt := range map[string]struct {
		q                     jsapi.Query
		subject, data, colour string
		sequence              uint64
	}{
		"last":               {q: jsapi.Query{Last: "a.x"}, subject: "a.x", data: "one", sequence: 1},
		"last of a wildcard": {q: jsapi.Query{Last: "a.*"}, subject: "a.y", data: "three", sequence: 3},
		"at a sequence":      {q: jsapi.Query{Sequence: 2}, subject: "b.x", data: "two", colour: "red", sequence: 2},
		"next":               {q: jsapi.Query{Next: "a.*", Sequence: 2}, subject: "a.y", data: "three", sequence: 3},
		"next from itself":   {q: jsapi.Query{Next: "b.*", Sequence: 2}, subject: "b.x", data: "two", colour: "red", sequence: 2},
	} {
		m, err := jsapi.Get(ctx, nc, name, tt.q)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if m.Subject != tt.subject || string(m.Data) != tt.data || m.Sequence != tt.sequence || m.Header.Get("Colour") != tt.colour {
			t.Errorf("%s: got %+v, want %+v", what, m, tt)
		}
		if m.At.Before(began.Add(-time.Second)) || m.At.After(time.Now().Add(time.Second)) {
			t.Errorf("%s: stored at %v, which is not now", what, m.At)
		}
	}
}

func TestGetSaysThatThereIsNone(t *testing.T) {
	ctx, nc, name := stream(t)
	for what, q := range map[string]jsapi.Query{
		"last":          {Last: "b.y"},
		"at a sequence": {Sequence: 4},
		"next":          {Next: "b.*", Sequence: 3},
	} {
		if m, err := jsapi.Get(ctx, nc, name, q); !errors.Is(err, jetstream.ErrMsgNotFound) {
			t.Errorf("%s: got %+v, %v", what, m, err)
		}
	}
}

func TestAWrongSequenceIsTold(t *testing.T) {
	ctx, nc, _ := stream(t)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	_, err = js.Publish(ctx, "a.x", nil, jetstream.WithExpectLastSequencePerSubject(2))
	if !jsapi.WrongSequence(err) {
		t.Errorf("got %v for a write that expects another message", err)
	}
	if _, err := js.Publish(ctx, "c.x", nil); err == nil || jsapi.WrongSequence(err) {
		t.Errorf("got %v for a write that no stream takes", err)
	}
	if _, err := js.Publish(ctx, "a.x", nil, jetstream.WithExpectLastSequencePerSubject(1)); err != nil {
		t.Errorf("a write that expects what is there: %v", err)
	}
}

func TestARefusalIsAnAPIError(t *testing.T) {
	ctx, nc, name := stream(t)
	if err := jsapi.Ask(ctx, nc, "STREAM.MSG.DELETE."+name, jsapi.Query{Sequence: 2}, nil); err != nil {
		t.Errorf("what was done is an error: %v", err)
	}
	_, err := jsapi.Get(ctx, nc, "NOTHING", jsapi.Query{Sequence: 1})
	var refusal *jetstream.APIError
	if !errors.As(err, &refusal) || refusal.ErrorCode != jetstream.JSErrCodeStreamNotFound {
		t.Errorf("got %v, want that there is no such stream", err)
	}
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		t.Error("a stream that is missing counts as one without the message")
	}
}
