package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/natsconf"
)

// natsUsers are users that no configuration names: NAME=PASSWORD_FILE.
type natsUsers struct {
	role routing.Role
	list *[]routing.User
}

func (n natsUsers) String() string { return "" }

func (n natsUsers) Set(text string) error {
	name, file, ok := strings.Cut(text, "=")
	if !ok || name == "" || file == "" {
		what := "NAME"
		if n.role == routing.RoleBackend {
			what = "TENANT"
		}
		return fmt.Errorf("%.80q must be %s=PASSWORD_FILE", text, what)
	}
	password, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	*n.list = append(*n.list, routing.User{Role: n.role, Label: name, Password: string(bytes.TrimSpace(password))})
	return nil
}

// configNATS prints what NATS servers must know of hawser's roles.
func configNATS(_ context.Context, c *console, args []string) error {
	f := newFlags(c, "config nats", "config nats [--out DIR] [--backend TENANT=PASSWORD_FILE]... FILE...",
		"Prints the accounts for the configuration of your NATS servers: a user for each\n"+
			"role of each configuration, with no more rights than it needs, and an account for\n"+
			"each tenant. Passwords come from the files that the configurations name, and are\n"+
			"printed as bcrypt hashes.")
	var users []routing.User
	f.Var(natsUsers{routing.RoleBackend, &users}, "backend", "`TENANT=PASSWORD_FILE`: let the tenant's backend publish over NATS, may be repeated")
	f.Var(natsUsers{routing.RoleMonitor, &users}, "monitor", "`NAME=PASSWORD_FILE`: a user that may watch the servers, may be repeated")
	f.Var(natsUsers{routing.RoleOperator, &users}, "operator", "`NAME=PASSWORD_FILE`: a user that may do everything on JetStream, may be repeated")
	out := f.String("out", "", "`DIR`: write accounts.conf, passwords.conf and server.conf there instead")
	if err := f.parseMany(args); err != nil {
		return err
	}
	for _, file := range f.Args() {
		more, err := roleUsers(c, file)
		if err != nil {
			return err
		}
		users = append(users, more...)
	}
	for i := range users {
		hash, err := bcrypt.GenerateFromPassword([]byte(users[i].Password), bcrypt.DefaultCost)
		if err != nil {
			return fmt.Errorf("hash the password of %s, which may have 72 bytes: %w", users[i].Name(), err)
		}
		users[i].Password = string(hash)
	}
	if *out != "" {
		return writeNATS(*out, users)
	}
	text, err := natsconf.Whole(users)
	if err != nil {
		return err
	}
	c.printf("%s", text)
	return nil
}

// writeNATS writes what a server includes, the secret apart from the rest.
func writeNATS(dir string, users []routing.User) error {
	accounts, err := natsconf.Accounts(users)
	if err != nil {
		return err
	}
	passwords, err := natsconf.Passwords(users)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"server.conf": natsconf.Server(), "accounts.conf": accounts, natsconf.PasswordsFile: passwords,
	} {
		if err := replaceFile(filepath.Join(dir, name), text); err != nil {
			return fmt.Errorf("write what NATS servers include: %w", err)
		}
	}
	return nil
}

// replaceFile writes a file that only its owner may read, in one step: a
// server may be reading it.
func replaceFile(path, text string) error {
	next := path + ".new"
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}

// roleUsers are the users of one process. A user of another name than the
// role and the process's own would not get the rights that go with it.
func roleUsers(c *console, file string) ([]routing.User, error) {
	cfg, err := loadConfig(c, file)
	if err != nil {
		return nil, err
	}
	var users []routing.User
	for _, role := range cfg.Roles {
		u := cfg.NATS.User(role)
		if u.CredsFile != "" {
			continue // a server in operator mode holds the rights in its JWTs
		}
		password, err := u.PasswordFile.ReadTrimmed()
		if err != nil {
			return nil, fmt.Errorf("%s: read the password of %s: %w", file, u.User, err)
		}
		user := routing.User{Role: routing.Role(role), Label: cfg.Name, Password: string(password)}
		if role == config.RoleEdge {
			user.Tenants = tenantNames(cfg)
		}
		if u.User != user.Name() {
			return nil, fmt.Errorf("%s: nats.users.%s.user is %q: leave it out, the rights belong to %q", file, role, u.User, user.Name())
		}
		users = append(users, user)
	}
	return users, nil
}

// tenantNames are the tenants that a process serves: an edge calls the
// services of no others.
func tenantNames(cfg *config.Config) (names []string) {
	for _, t := range cfg.Tenants {
		names = append(names, t.Name)
	}
	return names
}
