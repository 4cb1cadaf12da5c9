package session

import (
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"testing"
)

// Whatever is put in and taken out, names answers as a map does.
func TestNames(t *testing.T) {
	n := names{seed: maphash.MakeSeed()}
	want := map[deviceKey]*session{}
	p := &profile{tenant: "demo"}
	for i := range 20_000 {
		// The same letters, apart at another place, are another device.
		user, device := fmt.Sprint("u", rand.N(60)), fmt.Sprint(rand.N(60))
		s := &session{profile: p, ids: user + device, userLen: uint8(len(user)), number: uint64(i)}
		key := s.device()
		if got := n.takeLocked(key); got != want[key] {
			t.Fatalf("%v: %v instead of %v", key, got, want[key])
		}
		delete(want, key)
		if rand.N(3) > 0 {
			n.putLocked(s)
			want[key] = s
		}
		if n.count != len(want) {
			t.Fatalf("%d instead of %d", n.count, len(want))
		}
	}
	for key, s := range want {
		if got := n.takeLocked(key); got != s || got.next != nil {
			t.Errorf("%v: %v instead of %v", key, got, s)
		}
	}
	if n.count != 0 || len(n.buckets) > 8192 {
		t.Errorf("%d sessions in %d buckets", n.count, len(n.buckets))
	}
}
