package admin

import (
	"encoding/json"
	"net/http"
	"testing"
)

func TestCollect(t *testing.T) {
	url := start(t, Config{Debug: true})
	res, err := http.Post(url+"/debug/collect", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var m memory
	if err := json.NewDecoder(res.Body).Decode(&m); err != nil {
		t.Fatal(err)
	}
	if m.Schema != "hawser.memory/1" || m.Goroutines == 0 || m.HeapBytes == 0 || m.StackBytes == 0 || m.GCCPU <= 0 {
		t.Errorf("%+v", m)
	}
	// A look must not cost anything: links are followed by many.
	if code, _ := get(t, url+"/debug/collect"); code != http.StatusMethodNotAllowed {
		t.Errorf("GET answers %d", code)
	}
	if code, _ := get(t, url+"/debug/pprof/goroutine?debug=1"); code != http.StatusOK {
		t.Errorf("pprof answers %d", code)
	}
}

func TestNoDebugUnlessAsked(t *testing.T) {
	url := start(t, Config{})
	res, err := http.Post(url+"/debug/collect", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusNotFound {
		t.Errorf("it answers %s", res.Status)
	}
}
