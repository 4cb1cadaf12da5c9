package devmode

import (
	"os"
	"runtime"
	"testing"
)

func TestStat(t *testing.T) {
	if s := parseStat([]byte("12 (a ) b) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20")); s != 3 {
		t.Errorf("%v s", s)
	}
	if parseStat([]byte("")) != 0 || parseStat([]byte("1 (a) S 1")) != 0 {
		t.Error("a time out of nothing")
	}
}

func TestMemory(t *testing.T) {
	for text, want := range map[string]int64{"Rss: 12 kB\nPss: 3 kB\n": 12, "": -1, "Rss: x kB": -1, "Rss: 12": -1, "XRss: 12 kB": -1} {
		kb, ok := parseMemory([]byte(text), "Rss:")
		if ok != (want >= 0) || ok && kb != want {
			t.Errorf("%q: %d, %v", text, kb, ok)
		}
	}
	if runtime.GOOS != "linux" {
		return
	}
	for _, read := range []func(int) (int64, error){RSS, ExactRSS} {
		if n, err := read(os.Getpid()); err != nil || n < 1<<20 {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func FuzzProc(f *testing.F) {
	f.Add([]byte("12 (a) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20"))
	f.Add([]byte("Rss: 12 kB\n"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		parseStat(b)
		parseMemory(b, "Rss:")
	})
}
