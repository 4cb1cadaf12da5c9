package publish

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
)

// Operators read in the log when events cannot be stored, and only then.
func TestRefusalsInTheLog(t *testing.T) {
	catalog, err := routing.NewCatalog(nil)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s := New(Config{Catalog: catalog, Log: slog.New(slog.NewJSONHandler(&log, nil))})
	_ = s.refused(invalid("the backend's own mistake"))
	_ = s.refused(busy())
	if log.Len() != 0 {
		t.Errorf("logged what is no trouble of the operator's: %s", log.String())
	}
	_ = s.refused(unavailable(errors.New("no space left"), time.Second, "wait"))
	_ = s.refused(internal(errors.New("broken")))
	for _, want := range []string{`"level":"WARN"`, "no space left", `"level":"ERROR"`, "broken"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s is not in the log:\n%s", want, log.String())
		}
	}
}
