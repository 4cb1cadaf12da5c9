package node_test

import (
	"flag"
	"testing"
)

// The tests wait for nodes far more than they compute, so that more of them
// run at once than the machine has cores. -parallel still decides.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	m.Run()
}
