package main

import (
	"bytes"
	"encoding/json"
	"log"
	"log/slog"
	"testing"
)

func TestLibrariesLogJSON(t *testing.T) {
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	var stderr bytes.Buffer
	newLog(&console{stderr: &stderr}, slog.LevelInfo)
	log.Printf("small buffers")
	var line struct{ Msg string }
	if err := json.Unmarshal(stderr.Bytes(), &line); err != nil || line.Msg != "small buffers" {
		t.Errorf("the log holds %q: %v", stderr.String(), err)
	}
}
