package fcm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestNothingPrintsTheCredentials(t *testing.T) {
	c, sim := start(t)
	cfg := configFor(sim)
	acc, err := cfg.check()
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Split(string(acc.oauth.PrivateKey), "\n")[1]
	var out bytes.Buffer
	for _, v := range []any{cfg, &cfg, c, acc, &acc, c.access} {
		fmt.Fprintf(&out, "%v %+v %#v %s\n", v, v, v, v)
		b, _ := json.Marshal(v)
		out.Write(b)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
	}
	for _, form := range []string{line, fmt.Sprintf("%v", []byte(line))} {
		if strings.Contains(out.String(), form) {
			t.Error("the credentials are printed")
		}
	}
}
