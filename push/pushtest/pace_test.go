package pushtest

import (
	"context"
	"testing"
	"time"
)

// Clients that go away before the service decided have sent nothing; those
// that go away before they have the answer have.
func TestClientsGoAway(t *testing.T) {
	never := func() time.Duration { return time.Hour }
	for name, c := range map[string]struct {
		pace     Pace
		want     Flight
		accepted int
	}{
		"before it is accepted": {Pace{Accept: never}, Flight{Undecided: 1}, 0},
		"before the answer":     {Pace{Answer: never}, Flight{Unanswered: 1}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPNs(t, APNsOptions{})
			a.SetPace(c.pace)
			ctx, gone := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			client := httpClient(t, a.server)
			r := a.request(t, "00ff", goodBody).WithContext(ctx)
			go func() {
				resp, err := client.Do(r)
				if err == nil {
					_ = resp.Body.Close()
				}
				ended <- err
			}()
			until(t, func() bool { return a.InFlight() == c.want })
			gone()
			if err := <-ended; err == nil {
				t.Error("the client has an answer")
			}
			until(t, func() bool { return a.Lost() == c.want && a.InFlight() == Flight{} })
			if n := a.Count(); n != c.accepted {
				t.Errorf("%d pushes were accepted, want %d", n, c.accepted)
			}
		})
	}
}

func until(t *testing.T, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within a minute")
		}
	}
}
