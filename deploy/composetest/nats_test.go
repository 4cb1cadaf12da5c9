package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// natsFolder is what prepare makes, with other users in it.
func natsFolder(t *testing.T, edit func(conf string) string) (file string) {
	t.Helper()
	conf, err := os.ReadFile("../nats/nats.conf")
	if err != nil {
		t.Fatal(err)
	}
	common, err := os.ReadFile("../nats/server.conf")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"nats.conf":     edit(strings.ReplaceAll(string(conf), "/etc/nats/", dir+"/")),
		"server.conf":   string(common),
		"accounts.conf": `accounts { HAWSER { jetstream: enabled, users: [{user: router-r1, password: hunter2}] } }`,
		"cluster.conf":  `authorization { user: cluster, password: "p", timeout: 2 }, routes: ["nats-route://cluster:p@nats-1:6222"]`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("NATS_NAME", "nats-2")
	t.Setenv("NATS_DATA", filepath.Join(dir, "data"))
	return filepath.Join(dir, "nats.conf")
}

// TestNATSConfiguration has a real server read the shipped file.
func TestNATSConfiguration(t *testing.T) {
	o, err := server.ProcessConfigFile(natsFolder(t, func(conf string) string { return conf }))
	if err != nil {
		t.Fatal(err)
	}
	if o.ServerName != "nats-2" || !o.JetStream || len(o.Users) != 1 || o.Cluster.Username != "cluster" || len(o.Routes) != 1 {
		t.Errorf("name %q, JetStream %v, %d users, cluster user %q, %d routes", o.ServerName, o.JetStream, len(o.Users), o.Cluster.Username, len(o.Routes))
	}
	if o.PingInterval != 2*time.Second || o.MaxPingsOut != 2 {
		t.Errorf("pings every %v, %d may be out: want 2 s and 2", o.PingInterval, o.MaxPingsOut)
	}
	// What the streams reserve with the shipped hawser.yaml: events, push jobs,
	// and 5 GiB beside them.
	if need := int64(8+1+5) << 30; o.JetStreamMaxStore < need {
		t.Errorf("max_file_store is %d, the streams reserve %d", o.JetStreamMaxStore, need)
	}
}

// TestNATSConfigurationWithTLS takes the comments of TLS away, as the file says.
func TestNATSConfigurationWithTLS(t *testing.T) {
	file := natsFolder(t, func(conf string) string { return strings.ReplaceAll(conf, "#TLS ", "") })
	certificate(t, filepath.Dir(file))
	o, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if o.TLSConfig == nil || o.Cluster.TLSConfig == nil {
		t.Error("TLS is off for clients or for the cluster")
	}
}

func certificate(t *testing.T, dir string) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is missing: a certificate cannot be made")
	}
	cmd := exec.Command("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
		"-subj", "/CN=nats-1", "-addext", "subjectAltName=DNS:nats-1", "-keyout", "nats.key", "-out", "nats.pem")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	pem, err := os.ReadFile(filepath.Join(dir, "nats.pem"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "ca.pem"), pem, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
