package transport

import (
	"testing"

	"golang.org/x/net/bpf"
)

// The filter of the sockets, run as the kernel runs it.
func TestSteering(t *testing.T) {
	const workers, nowhere = 3, 0xffff
	vm, err := bpf.NewVM(steering(workers))
	if err != nil {
		t.Fatal(err)
	}
	id, err := ids{worker: 2}.GenerateConnectionID()
	if err != nil {
		t.Fatal(err)
	}
	short := func(worker byte) []byte { return append([]byte{0x40, worker}, id.Bytes()[1:]...) }
	long := func(first byte) []byte { return append([]byte{first, 0, 0, 0, 1, idLen}, id.Bytes()...) }
	for name, c := range map[string]struct {
		packet []byte
		want   int
	}{
		"short header":                 {short(2), 2},
		"its other bits":               {append([]byte{0x7f}, id.Bytes()...), 2},
		"of a process with more":       {short(7), 1},
		"handshake":                    {long(0xe0), 2},
		"initial":                      {long(0xc0), nowhere},
		"early data":                   {long(0xd0), nowhere},
		"retry":                        {long(0xf0), nowhere},
		"nothing":                      {nil, 0},
		"a short header without an ID": {[]byte{0x40}, 0},
		"a long header without an ID":  {[]byte{0xe0, 0, 0, 0, 1}, 0},
	} {
		if got, err := vm.Run(c.packet); err != nil || got != c.want {
			t.Errorf("%s: %d, %v; want %d", name, got, err, c.want)
		}
	}
}
