package transport_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/qlog"
	"github.com/quic-go/quic-go/qlogwriter"

	"github.com/hawser-edge/hawser/gateway/admission"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
)

// A source of QUIC that has half of its unfinished connections proves that it
// is that source: forged packets cannot have it refused.
func TestCrowdedSourceIsVerified(t *testing.T) {
	sources := admission.NewSources(admission.Limits{UnfinishedPerAddress: 4})
	r := newRejecting(t, transport.ListenQUIC, transport.ListenConfig{Sources: sources})
	for i, want := range []bool{false, false, true, true} {
		config := r.client.Clone()
		config.NextProtos = []string{wire.ALPN}
		retried := &retries{}
		c, err := quic.DialAddr(t.Context(), r.addr(), config, &quic.Config{Tracer: retried.trace})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.CloseWithError(0, "") })
		if got := retried.seen.Load(); got != want {
			t.Errorf("connection %d was asked for its address: %t", i, got)
		}
	}
}

// retries notes whether a connection was answered with Retry.
type retries struct{ seen atomic.Bool }

func (r *retries) trace(context.Context, bool, quic.ConnectionID) qlogwriter.Trace { return r }
func (r *retries) AddProducer() qlogwriter.Recorder                                { return r }
func (r *retries) Close() error                                                    { return nil }

func (r *retries) RecordEvent(e qlogwriter.Event) {
	if p, ok := e.(qlog.PacketReceived); ok && p.Header.PacketType == qlog.PacketTypeRetry {
		r.seen.Store(true)
	}
}
