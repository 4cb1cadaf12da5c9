package devmode

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/push/pushtest"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats"
)

// The applications that the simulators know.
const (
	// IOSApp is the bundle identifier that devices on APNs name.
	IOSApp = "com.example.chat"
	// AndroidApp is the Firebase project that devices on FCM name.
	AndroidApp = "example-chat"
)

// The files with secrets that the configuration names.
const (
	ticketKeyFile  = "ticket.key"
	apnsKeyFile    = "apns.p8"
	fcmAccountFile = "fcm.json"
)

// tokenTTL outlives any development session.
const tokenTTL = 24 * time.Hour

// Options for an environment.
type Options struct {
	// Dir receives every file; it must exist and be private to the user.
	Dir string
	// Nodes of the fleet, so that NATS knows their users.
	Nodes []Node
	// Tenants by name. None: "demo".
	Tenants []string
	// NATSPort is the embedded server's port. 0: any free one.
	NATSPort int
	// NATSURL is a server that somebody else runs, or several with commas
	// between them, with the users of Users. Empty: an embedded one is started.
	NATSURL string
	// Replicas of each stream. 0: 1.
	Replicas int
	// SimulatorHost is the IP address that the simulators of APNs and FCM
	// listen on. Empty: 127.0.0.1.
	SimulatorHost string
}

// An Environment is what a development fleet stands on. Close ends it.
type Environment struct {
	// Static after New.
	Dir      string
	NATSURL  string
	APNs     *pushtest.APNs
	FCM      *pushtest.FCM
	tenants  []string
	replicas int
	users    []routing.User
	signers  map[string]*token.Signer
	nats     *embednats.Server // nil where somebody else runs NATS
}

// New makes the files and starts the simulators and, unless told otherwise,
// the embedded NATS server.
func New(o Options) (*Environment, error) {
	if len(o.Tenants) == 0 {
		o.Tenants = []string{"demo"}
	}
	e := &Environment{
		Dir: o.Dir, NATSURL: o.NATSURL, tenants: o.Tenants, replicas: max(o.Replicas, 1), signers: map[string]*token.Signer{},
	}
	if err := e.build(o); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

func (e *Environment) build(o Options) error {
	if err := writeCertificates(e.Dir); err != nil {
		return err
	}
	if err := e.writeSecret(ticketKeyFile); err != nil {
		return err
	}
	for _, t := range e.tenants {
		if err := e.addTenant(t); err != nil {
			return err
		}
	}
	if err := e.startSimulators(o.SimulatorHost); err != nil {
		return err
	}
	if err := e.startNATS(o); err != nil {
		return err
	}
	return e.keepSecrets()
}

// addTenant makes the tenant's signing key, its public half for the edges, an
// API key and a NATS user for its backend.
func (e *Environment) addTenant(name string) error {
	private, public, err := token.GenerateKey()
	if err != nil {
		return fmt.Errorf("make the keys of tenant %s: %w", name, err)
	}
	if e.signers[name], err = token.ParseSigner(private); err != nil {
		return fmt.Errorf("read the key of tenant %s back: %w", name, err)
	}
	return errors.Join(
		writeFile(e.Dir, name+".jwk", private, 0o600),
		writeFile(e.Dir, name+".jwks.json", public, 0o644),
		e.writeSecret(name+".api-key"),
		e.addUser(routing.RoleBackend, name),
	)
}

func (e *Environment) addUser(role routing.Role, label string) error {
	file := PasswordFile(role, label)
	if err := e.writeSecret(file); err != nil {
		return err
	}
	password, err := os.ReadFile(e.Path(file))
	if err != nil {
		return fmt.Errorf("read a password back: %w", err)
	}
	e.users = append(e.users, routing.User{Role: role, Label: label, Password: string(password)})
	return nil
}

// PasswordFile is the file of a NATS user's password.
func PasswordFile(role routing.Role, label string) string {
	return "nats-" + routing.UserName(role, label) + ".password"
}

func (e *Environment) startSimulators(host string) (err error) {
	addr := ""
	if host != "" {
		addr = net.JoinHostPort(host, "0")
	}
	if e.APNs, err = pushtest.NewAPNs(pushtest.APNsOptions{Addr: addr, Topics: []string{IOSApp}}); err != nil {
		return fmt.Errorf("start the APNs simulator: %w", err)
	}
	if e.FCM, err = pushtest.NewFCM(pushtest.FCMOptions{Addr: addr, Project: AndroidApp}); err != nil {
		return fmt.Errorf("start the FCM simulator: %w", err)
	}
	return errors.Join(
		writeFile(e.Dir, apnsKeyFile, e.APNs.Key(), 0o600),
		writeFile(e.Dir, "apns-ca.pem", e.APNs.CAPEM(), 0o644),
		writeFile(e.Dir, fcmAccountFile, e.FCM.ServiceAccount(), 0o600),
		writeFile(e.Dir, "fcm-ca.pem", e.FCM.CAPEM(), 0o644),
	)
}

func (e *Environment) startNATS(o Options) (err error) {
	for _, n := range o.Nodes {
		for _, role := range n.Roles {
			if err := e.addUser(routing.Role(role), n.Name); err != nil {
				return err
			}
		}
	}
	if e.NATSURL != "" {
		return nil
	}
	e.nats, err = embednats.Start(embednats.Options{Dir: e.Path("nats"), Port: o.NATSPort, Users: e.users})
	if err != nil {
		return fmt.Errorf("start the embedded NATS server: %w", err)
	}
	e.NATSURL = e.nats.URL()
	return nil
}

// Path is the full path of one of the environment's files.
func (e *Environment) Path(name string) string { return filepath.Join(e.Dir, name) }

// Users are the NATS users of the fleet and of the tenants' backends, for the
// configuration of a server that somebody else runs.
func (e *Environment) Users() []routing.User { return e.users }

// User returns one of Users.
func (e *Environment) User(role routing.Role, label string) (routing.User, error) {
	for _, u := range e.users {
		if u.Role == role && u.Label == label {
			return u, nil
		}
	}
	return routing.User{}, fmt.Errorf("this development fleet has no NATS user %s", routing.UserName(role, label))
}

// APIKey returns a tenant's key for the publishing API.
func (e *Environment) APIKey(tenant string) (string, error) {
	key, err := os.ReadFile(e.Path(tenant + ".api-key"))
	if err != nil {
		return "", fmt.Errorf("read the API key of tenant %s: %w", tenant, err)
	}
	return string(key), nil
}

// Token mints a device's token, as the tenant's backend would.
func (e *Environment) Token(tenant, user, device string) (string, error) {
	now := time.Now()
	id := token.Identity{Tenant: tenant, User: user, Device: device, ExpiresAt: now.Add(tokenTTL)}
	return e.signers[tenant].Sign(id, now)
}

// Close stops what New started. Files stay.
func (e *Environment) Close() {
	if e.nats != nil {
		e.nats.Shutdown()
	}
	if e.APNs != nil {
		_ = e.APNs.Close() // nothing is left to do with an error
	}
	if e.FCM != nil {
		_ = e.FCM.Close()
	}
}

// writeSecret writes 32 random bytes as text: long enough for a key, without
// a byte that a file or a header could not carry.
func (e *Environment) writeSecret(name string) error {
	var b [32]byte
	if _, err := rand.Read(b[:]); err != nil {
		return fmt.Errorf("make a secret: %w", err)
	}
	return writeFile(e.Dir, name, []byte(base64.RawURLEncoding.EncodeToString(b[:])), 0o600)
}

// DeviceToken makes a push token of a device: stable for the device, and in
// the form that both providers take.
func DeviceToken(user, device string) string {
	sum := sha256.Sum256([]byte(user + "/" + device))
	return TokenMark + hex.EncodeToString(sum[len(TokenMark)/2:])
}
