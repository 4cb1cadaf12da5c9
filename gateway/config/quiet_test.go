package config

import (
	"strings"
	"testing"
	"time"
)

func TestQuietHours(t *testing.T) {
	p := QuietHours{From: "22:30", To: "07:00", TimeZone: "Europe/Berlin"}.Parse()
	if p.From != 22*time.Hour+30*time.Minute || p.To != 7*time.Hour || p.Zone.String() != "Europe/Berlin" {
		t.Errorf("read %+v", p)
	}
	if p := (QuietHours{}).Parse(); p.From != p.To {
		t.Errorf("none read as %+v", p)
	}
	for _, c := range []struct {
		q    QuietHours
		want string
	}{
		{QuietHours{From: "22:00", To: "07:00"}, ""},
		{QuietHours{From: "24:00", To: "07:00"}, ".from"},
		{QuietHours{From: "9:00", To: "07:00"}, ".from"},
		{QuietHours{From: "22:00"}, ".to"},
		{QuietHours{From: "22:00", To: "22:00"}, "leave quiet_hours out"},
		{QuietHours{From: "22:00", To: "07:00", TimeZone: "UTC"}, ""},
		{QuietHours{From: "22:00", To: "07:00", TimeZone: "Local"}, ".time_zone"},
		{QuietHours{From: "22:00", To: "07:00", TimeZone: "Berlin"}, ".time_zone"},
	} {
		k := &checker{}
		c.q.check(k, "quiet_hours")
		got := ""
		for _, problem := range k.problems {
			got += problem.Path + " " + problem.Text + "\n"
		}
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.q, got, c.want)
		}
	}
}
