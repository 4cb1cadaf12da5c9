package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// clusterPassword is how prepare writes the NATS servers' own.
var clusterPassword = regexp.MustCompile(`password: "([0-9a-f]+)"`)

var errNoPassword = errors.New("nats/cluster.conf has no password that is known as one")

// secrets are what prepare made, and the credentials of the simulators: nobody
// may read them in what the fleet says.
func (c *composed) secrets() (map[string][]byte, error) {
	all := map[string][]byte{"a push token": []byte(devmode.TokenMark)}
	files := []string{"keys/ticket.key", "keys/edge.key", "keys/apns.p8", "backend/demo.key", "backend/nats.password"}
	for _, name := range services {
		files = append(files, name+"/nats.password")
	}
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(c.fleet(), name))
		if err != nil {
			return nil, fmt.Errorf("read a secret: %w", err)
		}
		all["the secret of "+name] = text
	}
	for name, member := range map[string]string{"keys/private.jwk.json": "d", "keys/fcm.json": "private_key"} {
		secret, err := devmode.SecretIn(filepath.Join(c.fleet(), name), member)
		if err != nil {
			return nil, err
		}
		all["the secret of "+name] = []byte(secret)
	}
	conf, err := os.ReadFile(filepath.Join(c.fleet(), "nats", "cluster.conf"))
	if err != nil {
		return nil, fmt.Errorf("read a secret: %w", err)
	}
	found := clusterPassword.FindSubmatch(conf)
	if found == nil {
		return nil, errNoPassword
	}
	all["the password of the NATS servers"] = found[1]
	return all, nil
}
