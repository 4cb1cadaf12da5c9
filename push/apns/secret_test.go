package apns

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
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
	raw, err := app.sender.bearer.key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{line, new(big.Int).SetBytes(raw).String(), fmt.Sprintf("%v", []byte(line))} {
		if strings.Contains(out.String(), form) {
			t.Error("the key is printed")
		}
	}
}
