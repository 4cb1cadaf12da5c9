package heartbeat

import "testing"

// fails has devices die of 300 s, one a second from then on, and returns how many
// deaths the first alarm took and what its cap is; 0 where there was none.
func (a *alarm) fails(from float64, devices ...uint16) (deaths int, limit float64) {
	for i, d := range devices {
		if limit, alarmed := a.fail(from+float64(i), d, 300, 0); alarmed {
			return i + 1, limit
		}
	}
	return 0, 0
}

// Five deaths that nobody expected, of three devices within an hour, are an
// alarm.
func TestAlarmTakesDeaths(t *testing.T) {
	for _, tt := range []struct {
		name    string
		devices []uint16
		deaths  int
	}{
		{"five devices", []uint16{1, 2, 3, 4, 5}, 5},
		{"three devices", []uint16{1, 2, 3, 1, 2}, 5},
		{"four deaths", []uint16{1, 2, 3, 4}, 0},
		{"two devices", []uint16{1, 2, 1, 2, 1, 2, 1, 2, 1, 2}, 0},
	} {
		var a alarm
		if deaths, limit := a.fails(0, tt.devices...); deaths != tt.deaths || deaths > 0 && limit != 300*alarmCut {
			t.Errorf("%s: an alarm after %d deaths with a cap of %.0f s, want after %d", tt.name, deaths, limit, tt.deaths)
		}
	}
}

// Deaths that are hours apart are no alarm: each hour something goes wrong.
func TestAlarmForgetsAfterItsWindow(t *testing.T) {
	var a alarm
	for i := range uint16(50) {
		if deaths, _ := a.fails(float64(i)*alarmWindow*0.7, i); deaths > 0 {
			t.Fatalf("an alarm after %d deaths of which no three were within an hour", i+1)
		}
	}
}

// However many die, a network has an alarm in twenty minutes at most, and its
// cap ends after an hour.
func TestAlarmsAreRare(t *testing.T) {
	var a alarm
	alarms, last := 0, 0.0
	for s := range 86400 {
		if _, alarmed := a.fail(float64(s), uint16(s), 300, 0); !alarmed {
			continue
		}
		if alarms++; alarms > 1 && float64(s)-last < 1200 {
			t.Fatalf("alarms %.0f s apart", float64(s)-last)
		}
		last = float64(s)
	}
	if alarms < 60 || alarms > 72 {
		t.Errorf("%d alarms in a day of deaths, want one each twenty minutes", alarms)
	}
	if during, after := a.limit(last+3599), a.limit(last+3601); during != 150 || after != 0 {
		t.Errorf("the cap is %.0f s within the hour and %.0f s after it, want 150 and none", during, after)
	}
}

// What goes well in between speaks against a change.
func TestSuccessesCalm(t *testing.T) {
	var a alarm
	for i := range uint16(100) {
		if deaths, _ := a.fails(float64(i), i); deaths > 0 {
			t.Fatalf("an alarm at death %d, though one in two dies", i+1)
		}
		a.calm(0)
	}
}
