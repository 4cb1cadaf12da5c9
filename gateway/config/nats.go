package config

import (
	"net/url"
	"slices"
	"strings"
)

// NATS is the section nats.
type NATS struct {
	// URLs of the servers: nats://, tls://, ws:// or wss://, without user
	// and password. At least one.
	URLs []string `yaml:"urls"`
	// CAFile is a PEM file with the authorities that may have signed the
	// servers' certificates. Empty: those of the system.
	CAFile File `yaml:"ca_file,omitempty"`
	// Users are the NATS users, one a role, so that each role can do no
	// more than it must.
	Users NATSUsers `yaml:"users"`
	// Replicas is on how many servers each stream is stored: 1, 3 or 5.
	// 0: 3. Use 1 only with a single NATS server.
	Replicas int `yaml:"replicas"`
}

// NATSUsers are the users by role. Those of roles that the process does not
// have may be left out.
type NATSUsers struct {
	Edge   NATSUser `yaml:"edge,omitempty"`
	Router NATSUser `yaml:"router,omitempty"`
	Push   NATSUser `yaml:"push,omitempty"`
}

// NATSUser is how one role logs in: either user and password_file, or
// creds_file.
type NATSUser struct {
	// User is the user's name. Empty: the role and the process's name with
	// a dash between, as in edge-edge-1.
	User string `yaml:"user,omitempty"`
	// PasswordFile holds the user's password.
	PasswordFile SecretFile `yaml:"password_file,omitempty"`
	// CredsFile is a NATS credentials file (JWT and seed). With it the
	// other two stay empty.
	CredsFile SecretFile `yaml:"creds_file,omitempty"`
}

// User returns the user of a role.
func (n *NATS) User(role Role) *NATSUser {
	switch role {
	case RoleEdge:
		return &n.Users.Edge
	case RoleRouter:
		return &n.Users.Router
	case RolePush:
		return &n.Users.Push
	default:
		return &NATSUser{}
	}
}

func (n *NATS) setDefaults(name string) {
	orDefault(&n.Replicas, 3)
	for _, role := range allRoles() {
		if u := n.User(role); u.PasswordFile != "" {
			orDefault(&u.User, string(role)+"-"+name)
		}
	}
}

func (n *NATS) check(k *checker, roles []Role) {
	if len(n.URLs) == 0 {
		k.addf("nats.urls", "is required: list the NATS servers, for example [nats://127.0.0.1:4222]")
	}
	for i, u := range n.URLs {
		checkNATSURL(k, index("nats.urls", i), u)
	}
	k.optionalCA("nats.ca_file", n.CAFile)
	if n.Replicas != 1 && n.Replicas != 3 && n.Replicas != 5 {
		k.addf("nats.replicas", "is %d: it must be 1, 3 or 5", n.Replicas)
	}
	for _, role := range roles {
		if slices.Contains(allRoles(), role) {
			n.User(role).check(k, "nats.users."+string(role), role)
		}
	}
}

func checkNATSURL(k *checker, path, raw string) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "":
		// The value is not repeated: a password may stand in it.
		k.addf(path, "is not a URL: write for example nats://127.0.0.1:4222")
	case u.User != nil:
		k.addf(path, "holds a user: take it out and name it in nats.users, the password in a file")
	case !strings.Contains(" nats tls ws wss ", " "+u.Scheme+" "):
		k.addf(path, "begins with %q: it must be nats, tls, ws or wss", u.Scheme)
	}
}

func (u *NATSUser) check(k *checker, path string, role Role) {
	switch {
	case u.CredsFile != "" && (u.User != "" || u.PasswordFile != ""):
		k.addf(path+".creds_file", "stands beside user or password_file: keep one of the two ways")
	case u.CredsFile != "":
		k.secret(path+".creds_file", u.CredsFile)
	case u.PasswordFile != "":
		k.secret(path+".password_file", u.PasswordFile)
	default:
		k.addf(path, "needs password_file or creds_file: the role %s logs in to NATS with it", role)
	}
}
