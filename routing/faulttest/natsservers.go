package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// writeNATSConfig writes the configuration of one of the NATS servers, with
// the permissions of the fleet's users, and returns its path.
func (f *fleet) writeNATSConfig(name string) (string, error) {
	var peers []string
	for _, other := range membersOf(sortNATS) {
		if other != name {
			peers = append(peers, f.place.address(other, serviceCluster))
		}
	}
	return f.env.WriteNATSConfig(f.natsServer(name), peers)
}

func (f *fleet) natsServer(name string) devmode.NATSServer {
	return devmode.NATSServer{
		Name: name, Listen: f.place.address(name, serviceNATS), Monitor: f.place.address(name, serviceMonitor),
		Cluster: f.place.address(name, serviceCluster), Store: f.place.store(name),
	}
}

// natsURLs are those of all servers, with commas between them.
func natsURLs(p place) string {
	var urls []string
	for _, m := range membersOf(sortNATS) {
		urls = append(urls, "nats://"+p.address(m, serviceNATS))
	}
	return strings.Join(urls, ",")
}

// natsHealthy asks a server whether it and all its streams are in order.
func (f *fleet) natsHealthy(ctx context.Context, name string) error {
	return f.ask(ctx, name, "/healthz", nil)
}

// leader is the server that leads a stream. Any server that knows may say so;
// those in except are not asked.
func (f *fleet) leader(ctx context.Context, stream string, except ...string) (string, error) {
	err := errNoLeader
	for _, name := range membersOf(sortNATS) {
		if slices.Contains(except, name) {
			continue
		}
		var leader string
		if leader, err = f.leaderAsSeenBy(ctx, name, stream); err == nil {
			return leader, nil
		}
	}
	return "", fmt.Errorf("who leads %s: %w", stream, err)
}

var errNoLeader = errors.New("no server says")

func (f *fleet) leaderAsSeenBy(ctx context.Context, name, stream string) (string, error) {
	var jsz struct {
		Accounts []struct {
			Streams []struct {
				Name    string `json:"name"`
				Cluster struct {
					Leader string `json:"leader"`
				} `json:"cluster"`
			} `json:"stream_detail"`
		} `json:"account_details"`
	}
	if err := f.ask(ctx, name, "/jsz?accounts=true&streams=true", &jsz); err != nil {
		return "", err
	}
	for _, a := range jsz.Accounts {
		for _, s := range a.Streams {
			if s.Name == stream && s.Cluster.Leader != "" {
				return s.Cluster.Leader, nil
			}
		}
	}
	return "", errNoLeader
}

// askTimeout bounds a question to a server's monitor.
const askTimeout = 2 * time.Second

// ask puts a question to a server's monitor; into may be nil.
func (f *fleet) ask(ctx context.Context, name, question string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+f.place.address(name, serviceMonitor)+question, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s: %s", name, question, resp.Status)
	}
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return fmt.Errorf("read what %s says: %w", name, err)
	}
	return nil
}
