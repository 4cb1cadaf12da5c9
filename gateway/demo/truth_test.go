package demo

import "testing"

func TestSumOf(t *testing.T) {
	const text = `# HELP x_total What x counts.
# TYPE x_total counter
x_total{result="a"} 2
x_total{result="b c"} 3
x_total_other 100
y_total 7
z_total{result="a"} many
`
	for metric, want := range map[string]int{"x_total": 5, "y_total": 7} {
		if got, err := sumOf(metric, text); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", metric, got, err, want)
		}
	}
	for _, metric := range []string{"z_total", "none_total", "x"} {
		if got, err := sumOf(metric, text); err == nil {
			t.Errorf("%s: %d, want an error", metric, got)
		}
	}
}
