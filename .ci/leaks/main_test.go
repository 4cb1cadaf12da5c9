package main

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"
)

// TestPlantedLeaksAreFound puts secrets into the logs, one that the scan was told
// of and one that it was not.
func TestPlantedLeaksAreFound(t *testing.T) {
	const password = "correct horse battery"
	for said, want := range map[string]int{
		`{"msg":"ready"}`: 0,
		`{"as":"` + base64.StdEncoding.EncodeToString([]byte("push:"+password)) + `"}`: 1,
		`{"jwt":"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJURUFNIn0.c2lnbmF0dXJl"}`:              1,
	} {
		folder := t.TempDir()
		write(t, folder, "secrets-1.json", `{"the password":"`+base64.StdEncoding.EncodeToString([]byte(password))+`"}`)
		write(t, folder, "push-1.log", said+"\n")
		sum, err := scan(folder)
		if err != nil || len(sum.found) != want || sum.secrets != 1 || sum.logs != 1 {
			t.Errorf("in %s: %+v, %v, want %d", said, sum, err, want)
		}
	}
}

func TestNothingSaidIsNotGood(t *testing.T) {
	if _, err := scan(t.TempDir()); err == nil {
		t.Error("a scan of nothing is good")
	}
}

func write(t *testing.T, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
