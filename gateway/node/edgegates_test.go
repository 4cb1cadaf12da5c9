package node

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/hawser-edge/hawser/gateway/admission"
	"github.com/hawser-edge/hawser/gateway/transport"
)

// An edge that lets nobody in says what it lacks.
func TestFullIsLogged(t *testing.T) {
	var log bytes.Buffer
	short := true
	e := &edgeRole{memory: admission.NewMemory(func() bool { return short }), log: slog.New(slog.NewTextHandler(&log, nil))}
	if !e.full(transport.QUIC) || !strings.Contains(log.String(), "lacks=memory") {
		t.Errorf("without memory the log says %q", log.String())
	}
	log.Reset()
	short = false
	if e.full(transport.QUIC) || log.Len() > 0 {
		t.Errorf("with room the log says %q", log.String())
	}
}
