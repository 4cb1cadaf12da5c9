package config

import (
	"time"
	// A container without a system has no time zones of its own.
	_ "time/tzdata"
)

// QuietHours are hours of each day.
type QuietHours struct {
	// From and To are times of the day, 00:00 to 23:59; To may be on the next
	// day. Required.
	From string `yaml:"from"`
	To   string `yaml:"to"`
	// TimeZone is where they count, by its name in the IANA database, such as
	// Europe/Berlin. Empty: UTC.
	TimeZone string `yaml:"time_zone,omitempty"`
}

// ParsedQuietHours are quiet hours to reckon with: From and To since midnight.
type ParsedQuietHours struct {
	From, To time.Duration
	Zone     *time.Location
}

// Parse reads quiet hours that Load has checked. Where none are configured From
// and To are the same.
func (q QuietHours) Parse() (p ParsedQuietHours) {
	p.From, _ = clockTime(q.From)
	p.To, _ = clockTime(q.To)
	p.Zone, _ = quietZone(q.TimeZone)
	return p
}

func (q QuietHours) check(k *checker, path string) {
	if q == (QuietHours{}) {
		return
	}
	for _, f := range []struct{ name, value string }{{"from", q.From}, {"to", q.To}} {
		if _, ok := clockTime(f.value); !ok {
			k.addf(path+"."+f.name, "is %.20q: write a time of the day in quotes, as in \"22:30\"", f.value)
		}
	}
	if q.From == q.To {
		k.addf(path+".to", "is the same as from: leave quiet_hours out where there are none")
	}
	if _, ok := quietZone(q.TimeZone); !ok {
		k.addf(path+".time_zone", "is %.80q: name a time zone as in Europe/Berlin", q.TimeZone)
	}
}

// clockTime reads HH:MM as the time since midnight.
func clockTime(s string) (time.Duration, bool) {
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != len("15:04") {
		return 0, false
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, true
}

// quietZone takes names only: the host's own zone is another one elsewhere.
func quietZone(name string) (*time.Location, bool) {
	if name == "Local" {
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}
