package devmode

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"text/template"

	"github.com/hawser-edge/hawser/routing/natsconf"
)

// A NATSServer is one server of a cluster, a process of its own.
type NATSServer struct {
	// Name is unique in the cluster.
	Name string
	// Listen, Monitor and Cluster are the "host:port" for clients, for
	// questions over HTTP and for the other servers.
	Listen, Monitor, Cluster string
	// Store is JetStream's folder.
	Store string
}

// natsConfig is what an operator of several servers writes beside what hawser
// ships.
var natsConfig = template.Must(template.New("nats").Parse(`server_name: {{.Name}}
listen: "{{.Listen}}"
http: "{{.Monitor}}"
jetstream {
  store_dir: "{{.Store}}"
  max_memory_store: 256MB
  max_file_store: 64GB
}
cluster {
  name: hawser
  listen: "{{.Cluster}}"
  routes: [{{range .Routes}}"nats://{{.}}", {{end}}]
}
{{.Shipped}}
{{.Users}}`))

// WriteNATSConfig writes the configuration file of a server, with the
// permissions of the fleet's users, and returns its path. peers are the Cluster
// addresses of the others.
func (e *Environment) WriteNATSConfig(s NATSServer, peers []string) (string, error) {
	users, err := natsconf.Whole(e.Users())
	if err != nil {
		return "", err
	}
	var text strings.Builder
	err = natsConfig.Execute(&text, struct {
		NATSServer
		Routes         []string
		Shipped, Users string
	}{s, peers, natsconf.Server(), users})
	if err != nil {
		return "", fmt.Errorf("word the configuration of %s: %w", s.Name, err)
	}
	path := e.Path(s.Name + ".conf")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		return "", fmt.Errorf("write the configuration of %s: %w", s.Name, err)
	}
	return path, nil
}

var errUnhealthy = errors.New("the NATS server is not in order")

// Healthy asks the server whether it and all its streams are in order; nil says
// yes.
func (s NATSServer) Healthy(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Monitor+"/healthz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %w: %s", s.Name, errUnhealthy, resp.Status)
	}
	return nil
}
