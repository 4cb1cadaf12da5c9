package push

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// saying prints, logs and encodes v in every way.
func saying(v any) string {
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", v)
	}
	b, _ := json.Marshal(v)
	out.Write(b)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
	return out.String()
}

func TestNothingPrintsASecret(t *testing.T) {
	const word = "hunter2"
	for _, v := range []any{
		Secret(word), struct{ Key Secret }{Secret(word)}, &struct{ Key Secret }{Secret(word)}, []Secret{Secret(word)},
		struct {
			Opaque
			key string
		}{key: word},
		Record{Token: word}, &Record{Token: word},
		Message{Token: word, Content: Content{Title: word}}, &Message{Token: word},
	} {
		said := saying(v)
		for _, form := range []string{word, fmt.Sprintf("%x", word), fmt.Sprintf("%v", []byte(word)), "aHVudGVyMg"} {
			if strings.Contains(said, form) {
				t.Errorf("%T says %s", v, said)
			}
		}
	}
}
