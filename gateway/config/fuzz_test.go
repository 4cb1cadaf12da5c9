package config

import "testing"

// FuzzParse looks for input that makes the decoder panic or report a problem
// without saying anything.
func FuzzParse(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add([]byte(Example()))
	f.Add([]byte("a: &x [*x]\n<<: *x\n"))
	f.Add([]byte("[{}: {}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, k := parse("hawser.yaml", data, nil)
		for _, p := range k.problems {
			if p.Text == "" || p.Line < 0 {
				t.Errorf("problem %+v says nothing", p)
			}
		}
		if len(k.problems) == 0 && c == nil {
			t.Error("neither a configuration nor a problem")
		}
	})
}
