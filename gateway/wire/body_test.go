package wire

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// Each limit of a body, just kept and just broken.
func TestBodyLimits(t *testing.T) {
	text := func(n int) string { return strings.Repeat("x", n) }
	versions := func(n int) []*wirepb.KindVersion {
		return slices.Repeat([]*wirepb.KindVersion{{Kind: "m", Version: 1}}, n)
	}
	last := func(good, miss, delay int64) *wirepb.LastConnection {
		return &wirepb.LastConnection{LastGoodGapMs: good, FirstMissGapMs: miss, ReconnectDelayMs: delay}
	}
	limits := func(frame, requests, rate int64) *wirepb.Limits {
		return &wirepb.Limits{MaxFrameBytes: frame, MaxRequests: requests, RequestsPerS: rate}
	}
	long := maxDuration.Milliseconds()
	for _, tt := range []struct {
		name      string
		good, bad Frame
	}{
		{"app", &Hello{&wirepb.Hello{App: text(256)}}, &Hello{&wirepb.Hello{App: text(257)}}},
		{"app_version", &Hello{&wirepb.Hello{AppVersion: text(64)}}, &Hello{&wirepb.Hello{AppVersion: text(65)}}},
		{"push_token", &Hello{&wirepb.Hello{PushToken: text(4096)}}, &Hello{&wirepb.Hello{PushToken: text(4097)}}},
		{"resume_ticket", &Hello{&wirepb.Hello{ResumeTicket: make([]byte, 512)}}, &Hello{&wirepb.Hello{ResumeTicket: make([]byte, 513)}}},
		{"versions", &Hello{&wirepb.Hello{Versions: versions(64)}}, &Hello{&wirepb.Hello{Versions: versions(65)}}},
		{"last_good_gap_ms", &Hello{&wirepb.Hello{Last: last(long, 0, 0)}}, &Hello{&wirepb.Hello{Last: last(long+1, 0, 0)}}},
		{"first_miss_gap_ms", &Hello{&wirepb.Hello{Last: last(0, long, 0)}}, &Hello{&wirepb.Hello{Last: last(0, -1, 0)}}},
		{"reconnect_delay_ms", &Hello{&wirepb.Hello{Last: last(0, 0, 100*long)}}, &Hello{&wirepb.Hello{Last: last(0, 0, -1)}}},
		{"id_hash", &Network{&wirepb.Network{IdHash: make([]byte, 32)}}, &Network{&wirepb.Network{IdHash: make([]byte, 33)}}},
		{"network.id_hash", &Hello{&wirepb.Hello{Network: &wirepb.Network{IdHash: make([]byte, 32)}}}, &Hello{&wirepb.Hello{Network: &wirepb.Network{IdHash: make([]byte, 33)}}}},
		{"push_token of Token", &Token{&wirepb.Token{PushToken: text(4096)}}, &Token{&wirepb.Token{PushToken: text(4097)}}},
		{"token", &Token{&wirepb.Token{Token: text(MaxHelloPayload)}}, &Token{&wirepb.Token{Token: text(MaxHelloPayload + 1)}}},
		{"epoch", &Welcome{&wirepb.Welcome{Epoch: MaxVersion}}, &Welcome{&wirepb.Welcome{Epoch: MaxVersion + 1}}},
		{"interval_ms", &Welcome{&wirepb.Welcome{Epoch: 1, IntervalMs: long}}, &Welcome{&wirepb.Welcome{Epoch: 1, IntervalMs: long + 1}}},
		{"reconnect_spread_ms", &Welcome{&wirepb.Welcome{Epoch: 1, ReconnectSpreadMs: long}}, &Welcome{&wirepb.Welcome{Epoch: 1, ReconnectSpreadMs: -1}}},
		{"resume_ticket of Welcome", &Welcome{&wirepb.Welcome{Epoch: 1, ResumeTicket: make([]byte, 512)}}, &Welcome{&wirepb.Welcome{Epoch: 1, ResumeTicket: make([]byte, 513)}}},
		{"kinds", &Welcome{&wirepb.Welcome{Epoch: 1, Kinds: slices.Repeat([]string{"k"}, 64)}}, &Welcome{&wirepb.Welcome{Epoch: 1, Kinds: slices.Repeat([]string{"k"}, 65)}}},
		{"max_frame_bytes", &Welcome{&wirepb.Welcome{Epoch: 1, Limits: limits(0, 0, 0)}}, &Welcome{&wirepb.Welcome{Epoch: 1, Limits: limits(-1, 0, 0)}}},
		{"max_requests", &Welcome{&wirepb.Welcome{Epoch: 1, Limits: limits(0, 1, 0)}}, &Welcome{&wirepb.Welcome{Epoch: 1, Limits: limits(0, -1, 0)}}},
		{"requests_per_s", &Welcome{&wirepb.Welcome{Epoch: 1, Limits: limits(0, 0, 1)}}, &Welcome{&wirepb.Welcome{Epoch: 1, Limits: limits(0, 0, -1)}}},
		{"spread_ms", &GoAway{&wirepb.GoAway{SpreadMs: long}}, &GoAway{&wirepb.GoAway{SpreadMs: -1}}},
		{"grace_ms", &GoAway{&wirepb.GoAway{GraceMs: long}}, &GoAway{&wirepb.GoAway{GraceMs: long + 1}}},
	} {
		if _, err := Parse(tt.good.Type(), tt.good.appendPayload(nil)); err != nil {
			t.Errorf("%s: the limit itself is refused: %v", tt.name, err)
		}
		if _, err := Parse(tt.bad.Type(), tt.bad.appendPayload(nil)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: above the limit: %v", tt.name, err)
		}
	}
}

// A nil body is an empty one, and Parse never returns nil.
func TestNilBody(t *testing.T) {
	for _, f := range []Frame{&Hello{}, &Network{}, &Token{}, &GoAway{}} {
		got, err := Parse(f.Type(), Append(nil, f)[2:])
		if err != nil || !bodyOf(got).ProtoReflect().IsValid() || proto.Size(bodyOf(got)) != 0 {
			t.Errorf("%v: got %v, %v", f.Type(), got, err)
		}
	}
}

// A number that no field may hold must not turn into one that it may.
func TestVarintOfTheImpossible(t *testing.T) {
	for _, v := range []uint64{1 << 62, 1<<62 | 5, 1 << 63, 1<<64 - 1} {
		if got := appendVarint(nil, v); !bytes.Equal(got, bytes.Repeat([]byte{0xff}, 8)) {
			t.Errorf("%d became % x", v, got)
		}
	}
}
