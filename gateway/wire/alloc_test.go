package wire

import (
	"bytes"
	"testing"
	"time"
)

// The frames that a million idle connections exchange all day.
var hot = []Frame{
	&Ping{},
	&Pong{4 * time.Minute},
	&Ack{Kind{Number: 3}, 1832960000000 << 10 & MaxVersion},
	&Notify{Kind{Number: 3}, 1832960000000 << 10 & MaxVersion, 7},
	&Probe{},
}

func TestHotFramesDoNotAllocate(t *testing.T) {
	for _, f := range hot {
		buf := make([]byte, 0, 64)
		if n := testing.AllocsPerRun(100, func() { buf = Append(buf[:0], f) }); n != 0 {
			t.Errorf("Append of a %v allocates %v times", f.Type(), n)
		}
		payload := buf[2:]
		if n := testing.AllocsPerRun(100, func() { Parse(f.Type(), payload) }); n > 1 {
			t.Errorf("Parse of a %v allocates %v times, only the frame is its due", f.Type(), n)
		}
		src := bytes.NewReader(nil)
		r := NewReader(src, MaxPayload)
		if n := testing.AllocsPerRun(100, func() {
			src.Reset(buf)
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
		}); n > 1 {
			t.Errorf("reading a %v allocates %v times, only the frame is its due", f.Type(), n)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, f := range hot {
		b.Run(f.Type().String(), func(b *testing.B) {
			b.ReportAllocs()
			buf := make([]byte, 0, 64)
			for b.Loop() {
				buf = Append(buf[:0], f)
			}
		})
	}
}

func BenchmarkNext(b *testing.B) {
	for _, f := range hot {
		b.Run(f.Type().String(), func(b *testing.B) {
			b.ReportAllocs()
			raw := Append(nil, f)
			src := bytes.NewReader(raw)
			r := NewReader(src, MaxPayload)
			for b.Loop() {
				src.Reset(raw)
				if _, err := r.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
