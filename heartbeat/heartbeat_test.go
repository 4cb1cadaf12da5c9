package heartbeat

import (
	"testing"
	"testing/quick"
	"time"
)

func TestColdStart(t *testing.T) {
	tests := []struct {
		path Path
		want time.Duration
	}{
		{Path{Transport: TCP, Radio: Unknown}, 240 * time.Second},
		{Path{Transport: TCP, Radio: WiFi}, 300 * time.Second},
		{Path{Transport: TCP, Radio: Wired}, 300 * time.Second},
		{Path{Transport: TCP, Radio: Cell2G}, 240 * time.Second},
		{Path{Transport: TCP, Radio: Cell5G}, 240 * time.Second},
		{Path{Transport: TCP, Radio: Radio(200)}, 240 * time.Second},
		{Path{Transport: QUIC, Radio: Unknown}, 30 * time.Second},
		{Path{Transport: QUIC, Radio: WiFi}, 30 * time.Second},
		{Path{Transport: QUIC, Radio: Cell4G}, 35 * time.Second},
	}
	for _, tt := range tests {
		if got := ColdStart(tt.path); got != tt.want {
			t.Errorf("ColdStart(%v) = %v, want %v", tt.path, got, tt.want)
		}
	}
}

// Whatever a device claims and whatever the dice say, an interval stays in
// its bounds and at most 3 % below what was decided.
func TestIntervalBounds(t *testing.T) {
	check := func(transport, radio uint8, dice uint32) bool {
		path := Path{Transport: Transport(transport), Radio: Radio(radio)}
		view := Table{}.Open(time.Time{}, Arrival{Path: path})
		got := Table{}.Next(time.Time{}, &view, float64(dice)/(1<<32)).Interval
		cold := ColdStart(path)
		return got >= Min && got <= Max && got <= cold && float64(got) >= 0.97*float64(cold)-1
	}
	if err := quick.Check(check, nil); err != nil {
		t.Error(err)
	}
}

// Devices that nothing is known of yet do not beat in step, either.
func TestJitter(t *testing.T) {
	for r, want := range map[float64]time.Duration{0: 100 * time.Second, 0.5: 98500 * time.Millisecond, 0.999: 97003 * time.Millisecond} {
		if got := Jitter(100*time.Second, r); got.Round(time.Millisecond) != want {
			t.Errorf("Jitter(100s, %v) = %v, want %v", r, got, want)
		}
	}
}

func TestMove(t *testing.T) {
	view := Table{}.Open(time.Time{}, Arrival{Path: Path{Transport: TCP, Radio: Cell4G}})
	Table{}.Move(time.Time{}, &view, Path{Transport: TCP, Radio: WiFi})
	if got := (Table{}).Next(time.Time{}, &view, 0).Interval; got != 300*time.Second {
		t.Errorf("the interval after a move to WiFi is %v, want 5m0s", got)
	}
}

func TestClamp(t *testing.T) {
	for d, want := range map[time.Duration]time.Duration{-1: Min, 0: Min, Min: Min, time.Minute: time.Minute, Max: Max, time.Hour: Max} {
		if got := Clamp(d); got != want {
			t.Errorf("Clamp(%v) = %v, want %v", d, got, want)
		}
	}
}

func TestDeadlineIsAfterTheInterval(t *testing.T) {
	for _, d := range []time.Duration{Min, time.Minute, Max} {
		if got := Deadline(d); got < d+20*time.Second {
			t.Errorf("Deadline(%v) = %v leaves less than 20 s of grace", d, got)
		}
	}
}
