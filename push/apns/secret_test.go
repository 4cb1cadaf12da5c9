package apns

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestNothingPrintsTheKey(t *testing.T) {
	app, sim := start(t)
	key := string(sim.Key())
	cfg := configFor(sim)
	line := strings.Split(key, "\n")[1]
	var out bytes.Buffer
	for _, v := range []any{cfg, &cfg, app, app.sender, app.sender.bearer} {
		fmt.Fprintf(&out, "%v %+v %#v %s\n", v, v, v, v)
		b, _ := json.Marshal(v)
		out.Write(b)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
	}
	d := app.sender.bearer.key.D.String()
	for _, form := range []string{line, d, fmt.Sprintf("%v", []byte(line))} {
		if strings.Contains(out.String(), form) {
			t.Error("the key is printed")
		}
	}
}
