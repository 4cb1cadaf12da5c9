package devmode

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"text/template"
)

// A Node describes one process of a development fleet.
type Node struct {
	// Name is unique in the fleet.
	Name string
	// Roles are edge, router, push, in any combination.
	Roles []string
	// Listen is the device port's address, for TCP and UDP. Edges only.
	Listen string
	// SharePort has the processes of Listen share it, over TCP alone.
	SharePort bool
	// API is the address of the backends' API. Routers only.
	API string
	// Admin is the address of metrics and health. Always loopback.
	Admin string
	// AckWait is after how long another router takes over the work of one
	// that died. Empty: the default.
	AckWait string
	// ReconnectSpread is over which time devices spread their new attempts
	// when this edge vanishes. Empty: the default.
	ReconnectSpread string
	// DrainSpread is over which time this edge sends its devices elsewhere
	// when it stops. Empty: the default.
	DrainSpread string
	// AdmissionsPerSecond is how many devices this edge lets in a second. 0:
	// the default.
	AdmissionsPerSecond int
	// MaxEventsPerSecond is what each tenant may publish, at each router. 0:
	// the default.
	MaxEventsPerSecond int
	// HeartbeatScale has heartbeats' time pass that many times as fast. 0: the
	// default. NoProbes has the edge test no silences.
	HeartbeatScale int
	NoProbes       bool
	// Debug opens the pages for those who measure, at Admin.
	Debug bool
}

// WriteConfig writes the configuration file of a node, in the form in which an
// operator would, and returns its path.
func (e *Environment) WriteConfig(n Node) (string, error) {
	var text bytes.Buffer
	err := configTemplate.Execute(&text, struct {
		Node
		NATS      []string
		Replicas  int
		Tenants   []string
		IOSApp    string
		Project   string
		APNs, FCM string
		TeamID    string
		KeyID     string
	}{n, strings.Split(e.NATSURL, ","), e.replicas, e.tenants, IOSApp, AndroidApp, e.APNs.URL(), e.FCM.URL(), e.APNs.TeamID(), e.APNs.KeyID()})
	if err != nil {
		return "", fmt.Errorf("fill in the configuration of %s: %w", n.Name, err)
	}
	if err := writeFile(e.Dir, n.Name+".yaml", text.Bytes(), 0o600); err != nil {
		return "", err
	}
	return filepath.Join(e.Dir, n.Name+".yaml"), nil
}

// Has reports whether the node plays a role.
func (n Node) Has(role string) bool {
	for _, r := range n.Roles {
		if r == role {
			return true
		}
	}
	return false
}

// configTemplate names every secret by file: none stands in the text.
var configTemplate = template.Must(template.New("config").Funcs(template.FuncMap{"join": strings.Join}).Parse(`version: 1
name: {{.Name}}
site: local
roles: [{{join .Roles ", "}}]
nats:
  urls: ["{{join .NATS "\", \""}}"]
  users:
{{- range .Roles}}
    {{.}}: {user: {{.}}-{{$.Name}}, password_file: nats-{{.}}-{{$.Name}}.password}
{{- end}}
  replicas: {{.Replicas}}
{{- if .Has "edge"}}
edge:
  listen: "{{.Listen}}"
{{- if .SharePort}}
  share_port: true
  transports: [tcp]
{{- end}}
  tls: {cert_file: edge.pem, key_file: edge.key}
  ticket_key_file: ticket.key
{{- if .ReconnectSpread}}
  reconnect_spread: {{.ReconnectSpread}}
{{- end}}
{{- if .AdmissionsPerSecond}}
  admission: {per_second: {{.AdmissionsPerSecond}}}
{{- end}}
{{- if or .HeartbeatScale .NoProbes}}
  heartbeat:
{{- if .HeartbeatScale}}
    time_scale: {{.HeartbeatScale}}
{{- end}}
{{- if .NoProbes}}
    probes: off
{{- end}}
{{- end}}
{{- if .DrainSpread}}
  drain_spread: {{.DrainSpread}}
{{- end}}
{{- end}}
{{- if .Has "router"}}
router:
  api: {listen: "{{.API}}"}
{{- if .AckWait}}
  ack_wait: {{.AckWait}}
{{- end}}
{{- end}}
{{- if .Has "push"}}
push:
  confirm_removal: 1s
  apps:
{{- range .Tenants}}
    - {tenant: {{.}}, app: {{$.IOSApp}}, provider: apns, environment: sandbox, team_id: {{$.TeamID}}, key_id: {{$.KeyID}}, key_file: apns.p8, endpoint: "{{$.APNs}}", ca_file: apns-ca.pem}
    - {tenant: {{.}}, app: {{$.Project}}, provider: fcm, credentials_file: fcm.json, device_limits: none, endpoint: "{{$.FCM}}", ca_file: fcm-ca.pem}
{{- end}}
{{- end}}
tenants:
{{- range .Tenants}}
  - name: {{.}}
    jwks_files: [{{.}}.jwks.json]
    api_key_files: [{{.}}.api-key]
    services: [echo]
{{- if $.MaxEventsPerSecond}}
    max_events_per_second: {{$.MaxEventsPerSecond}}
{{- end}}
    kinds:
      messages: {numbered_by: hawser, urgency: HIGH, push: {mode: alert, class: message, title: "New message", sound: default, window: 1s}}
      contacts: {numbered_by: hawser, urgency: NORMAL, push: {mode: background, class: contacts, window: 1s}}
      moments: {numbered_by: hawser, urgency: LOW, push: {mode: none, window: 1s}}
      account: {numbered_by: backend, urgency: NORMAL, push: {mode: background, class: account, window: 1s}}
{{- end}}
admin: {listen: "{{.Admin}}"{{if .Debug}}, debug: true{{end}}}
`))
