// Package natsconf writes the configuration of hawser's NATS servers: the
// accounts, users and permissions of a fleet, and the settings that all
// servers share. Tests, the embedded server of "hawser dev" and the files
// under deploy/nats load the same text.
//
// hawser itself lives in the account HAWSER, which alone has JetStream. Each
// tenant has an account of its own, TENANT_<name>, so that its backends can
// not even name a subject of another tenant or of hawser's inside; what they
// share with hawser is imported and exported by name. Operators watch the
// servers through the account SYS.
package natsconf

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hawser-edge/hawser/routing"
)

// The accounts.
const (
	AccountHawser = "HAWSER"
	AccountSystem = "SYS"
	// prefixTenant begins the name of a tenant's account.
	prefixTenant = "TENANT_"
)

// Limits of one tenant's account.
const (
	// MaxTenantConnections is over all servers of a cluster.
	MaxTenantConnections = 100
	// MaxTenantSubscriptions is for each of its connections.
	MaxTenantSubscriptions = 200
	// MaxTenantPayload of a message, in bytes.
	MaxTenantPayload = 256 << 10
)

// PasswordsFile is the file that Accounts includes.
const PasswordsFile = "passwords.conf"

//go:embed server.conf
var server string

// Server returns the settings that all servers share.
func Server() string { return server }

// TenantAccount is the name of a tenant's account.
func TenantAccount(tenant string) string { return prefixTenant + tenant }

// Accounts returns the accounts of these users, without a secret: passwords
// are variables, which Passwords defines and the text includes.
func Accounts(users []routing.User) (string, error) {
	body, err := accounts(users)
	if err != nil {
		return "", err
	}
	return "# Written by \"hawser config nats\": who may do what. Nothing here is secret.\n" +
		"# The passwords are beside it, and nowhere else.\n" +
		"include " + strconv.Quote(PasswordsFile) + "\n\n" + body, nil
}

// Passwords returns the definitions of the users' passwords: a secret, even
// where they are hashes.
func Passwords(users []routing.User) (string, error) {
	var b strings.Builder
	for _, u := range users {
		if u.Password == "" {
			return "", fmt.Errorf("NATS user %s has no password", u.Name())
		}
		fmt.Fprintf(&b, "%s: %s\n", variable(u), strconv.Quote(u.Password))
	}
	return b.String(), nil
}

// Whole returns Passwords and Accounts in one text. It is a secret.
func Whole(users []routing.User) (string, error) {
	passwords, err := Passwords(users)
	if err != nil {
		return "", err
	}
	body, err := accounts(users)
	if err != nil {
		return "", err
	}
	return passwords + "\n" + body, nil
}

// variable names a user's password.
func variable(u routing.User) string { return "password_" + u.Name() }

func accounts(users []routing.User) (string, error) {
	if err := check(users); err != nil {
		return "", err
	}
	tenants := tenantsOf(users)
	w := &writer{}
	w.open("accounts {")
	writeHawser(w, users, tenants)
	for _, t := range tenants {
		writeTenant(w, users, t)
	}
	w.open(AccountSystem + " {")
	w.users(users, AccountSystem)
	w.close("}")
	w.close("}")
	w.line("system_account: " + AccountSystem)
	return w.String(), nil
}

func check(users []routing.User) error {
	if len(users) == 0 {
		return errors.New("a NATS configuration needs at least one user: a server without users lets everybody in")
	}
	seen := map[string]bool{}
	for _, u := range users {
		if err := u.CheckName(); err != nil {
			return err
		}
		if seen[u.Name()] {
			return fmt.Errorf("NATS user %s is given twice", u.Name())
		}
		seen[u.Name()] = true
	}
	return nil
}

func tenantsOf(users []routing.User) (tenants []string) {
	for _, u := range users {
		if u.Role == routing.RoleBackend {
			tenants = append(tenants, u.Label)
		}
	}
	slices.Sort(tenants)
	return tenants
}

// Account is the name of the account in which a user lives.
func Account(u routing.User) string {
	switch u.Role {
	case routing.RoleBackend:
		return TenantAccount(u.Label)
	case routing.RoleMonitor:
		return AccountSystem
	default:
		return AccountHawser
	}
}

// A device's call crosses as a stream, and its answer under a name that the
// tenant is given, not as a service: the server would carry a service's answer
// to whatever subject the request named, without asking whether the edge that
// named it may publish there.
func writeHawser(w *writer, users []routing.User, tenants []string) {
	w.open(AccountHawser + " {")
	w.line("jetstream: enabled")
	if len(tenants) > 0 {
		w.open("exports: [")
		for _, t := range tenants {
			for _, s := range routing.TenantDoors(t) {
				w.line("{service: %q, accounts: [%s]}", s, TenantAccount(t))
			}
			w.line("{service: %q, accounts: [%s]}", routing.UpstreamReplies(t), TenantAccount(t))
			w.line("{stream: %q, accounts: [%s]}", routing.UpstreamSubject(t, "*", "*"), TenantAccount(t))
			w.line("{stream: %q, accounts: [%s]}", routing.EventsOf(t), TenantAccount(t))
		}
		w.close("]")
	}
	w.users(users, AccountHawser)
	w.close("}")
}

func writeTenant(w *writer, users []routing.User, tenant string) {
	w.open(TenantAccount(tenant) + " {")
	w.open("limits {")
	w.line("max_connections: %d", MaxTenantConnections)
	w.line("max_subscriptions: %d", MaxTenantSubscriptions)
	w.line("max_payload: %d", MaxTenantPayload)
	w.close("}")
	w.open("imports: [")
	for _, s := range routing.TenantDoors(tenant) {
		w.line("{service: {account: %s, subject: %q}}", AccountHawser, s)
	}
	w.line("{service: {account: %s, subject: %q}}", AccountHawser, routing.UpstreamReplies(tenant))
	w.line("{stream: {account: %s, subject: %q}}", AccountHawser, routing.UpstreamSubject(tenant, "*", "*"))
	w.line("{stream: {account: %s, subject: %q}}", AccountHawser, routing.EventsOf(tenant))
	w.close("]")
	w.users(users, TenantAccount(tenant))
	w.close("}")
}
