package table

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestNamesComeBack(t *testing.T) {
	const uuid = "0f8fad5b-d9cb-469f-a165-70867728950e"
	for s, want := range map[string]form{
		"": 0, "u": 1, "A-z_09": 6, "18446744073709551615": 20, strings.Repeat("_", 21): 21,
		uuid: uuidLower, strings.ToUpper(uuid): uuidUpper, strings.ReplaceAll(uuid, "-", ""): hexLower,
		"00000000-0000-0000-0000-000000000000":             uuidLower,
		strings.ToUpper(uuid[:8]) + uuid[8:]:               long,
		strings.ToUpper(strings.ReplaceAll(uuid, "-", "")): long,
		uuid[:35]:                          long,
		uuid[:14] + "x" + uuid[15:]:        long,
		strings.Replace(uuid, "-", "_", 1): long,
		strings.Repeat("a", 22):            long,
		strings.Repeat("Z", maxName):       long,
		strings.Repeat("a", maxName+1):     unfit,
		"a b":                              long,
		"\x00":                             long,
		"user_2NNEqL2nrIRdJ194ndJqAHwEfxC": long,
		fmt.Sprintf("%c", 'é'):             long,
		strings.Repeat("f", 32):            hexLower,
		strings.Repeat("f", 8) + strings.Repeat("-ffff", 3) + "-f": long,
	} {
		n, f := pack(s)
		if f != want {
			t.Errorf("%q: form %d, want %d", s, f, want)
			continue
		}
		if f < long && string(n.unpack(nil, f)) != s {
			t.Errorf("%q came back as %q", s, n.unpack(nil, f))
		}
	}
}

func FuzzNames(f *testing.F) {
	f.Add("u1", "0f8fad5b-d9cb-469f-a165-70867728950e")
	f.Add("user_2NNEqL2nrIRdJ194ndJqAHwEfxC", "")
	f.Fuzz(func(t *testing.T, a, b string) {
		na, fa := pack(a)
		nb, fb := pack(b)
		if fa < long && string(na.unpack(nil, fa)) != a {
			t.Fatalf("%q came back as %q", a, na.unpack(nil, fa))
		}
		if a != b && fa < long && fa == fb && na == nb {
			t.Fatalf("%q and %q are one", a, b)
		}
		tab := New()
		tab.SetRecord(ID("t", a, b), true)
		if d := tab.Devices(nil, UserID{"t", a}); len(a) <= maxName && len(b) <= maxName && (len(d) != 1 || d[0].Name != b) {
			t.Fatalf("devices %+v", d)
		}
	})
}

func TestArena(t *testing.T) {
	var a arena
	rng := rand.New(rand.NewPCG(1, 1))
	kept := map[name]string{}
	most := [classes]int{}
	used := [classes]int{}
	for range 100_000 {
		if len(kept) > 0 && rng.IntN(2) == 0 {
			for n, s := range kept {
				if string(a.get(n)) != s {
					t.Fatalf("%q is %q", s, a.get(n))
				}
				a.drop(n)
				delete(kept, n)
				used[classOf(len(s))]--
				break
			}
			continue
		}
		s := strings.Repeat(string(rune('a'+rng.IntN(26))), rng.IntN(maxName+1))
		n := a.put(s)
		if _, twice := kept[n]; twice {
			t.Fatal("one place for two names")
		}
		kept[n] = s
		used[classOf(len(s))]++
		most[classOf(len(s))] = max(most[classOf(len(s))], used[classOf(len(s))])
	}
	for c, p := range a.sizes {
		if int(p.next) != most[c] {
			t.Errorf("size %d has %d places, but %d were enough", c, p.next, most[c])
		}
	}
}
