package node_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

func (f *fleet) get(name, path string) (int, string) {
	f.t.Helper()
	resp, err := http.Get("http://" + f.addrs[name]["admin"] + path)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func (f *fleet) ready(name string) error {
	status, body := f.get(name, "/readyz")
	if status != http.StatusOK {
		return fmt.Errorf("%d: %s", status, body)
	}
	return nil
}

// metric reads a number of /metrics by its full name with labels, as it
// stands there. One that is not there is 0.
func (f *fleet) metric(node, name string) float64 {
	f.t.Helper()
	_, body := f.get(node, "/metrics")
	lines := bufio.NewScanner(strings.NewReader(body))
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				f.t.Fatalf("%s is %q", name, value)
			}
			return n
		}
	}
	return 0
}

// counts expects that do moves a counter of the node by n, or by more than 0
// where n is 0.
func (f *fleet) counts(node, name string, n float64, do func()) {
	f.t.Helper()
	before := f.metric(node, name)
	do()
	eventually(f.t, name+" counts it", func() error {
		moved := f.metric(node, name) - before
		if moved == n || n == 0 && moved > 0 {
			return nil
		}
		return fmt.Errorf("it moved by %g: %w", moved, errNotYet)
	})
}
