package devices

import "testing"

// What is read as an owner is written the same way, and is a valid device.
func FuzzParseOwner(f *testing.F) {
	f.Add([]byte("t.u.d"))
	f.Add([]byte("t.u.d t2.u2.d2"))
	f.Add([]byte(" ..  "))
	f.Fuzz(func(t *testing.T, b []byte) {
		o := parseOwner(b)
		for _, id := range []ID{o.now, o.before} {
			if id != (ID{}) && id.check() != nil {
				t.Fatalf("%q gives %+v", b, o)
			}
		}
		if o.now != (ID{}) && parseOwner([]byte(o.String())) != o {
			t.Fatalf("%q gives %+v, which is written as %q", b, o, o)
		}
	})
}
