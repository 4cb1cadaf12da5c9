package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/routing"
)

// backendUser is a tenant's backend that speaks NATS: TENANT=PASSWORD_FILE.
type backendUsers []routing.User

func (b *backendUsers) String() string { return "" }

func (b *backendUsers) Set(text string) error {
	tenant, file, ok := strings.Cut(text, "=")
	if !ok || tenant == "" || file == "" {
		return fmt.Errorf("%.80q must be TENANT=PASSWORD_FILE", text)
	}
	password, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	*b = append(*b, routing.User{
		Role: routing.RoleBackend, Label: tenant, Password: string(bytes.TrimSpace(password)),
	})
	return nil
}

// configNATS prints what NATS servers must know of hawser's roles.
func configNATS(_ context.Context, c *console, args []string) error {
	f := newFlags(c, "config nats", "config nats [--backend TENANT=PASSWORD_FILE]... FILE...",
		"Prints the authorization block for the configuration of your NATS servers: a user\n"+
			"for each role of each configuration, with no more rights than it needs.\n"+
			"Passwords come from the files that the configurations name, as bcrypt hashes.")
	var users backendUsers
	f.Var(&users, "backend", "`TENANT=PASSWORD_FILE`: let the tenant's backend publish over NATS, may be repeated")
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
	text, err := routing.Authorization(users)
	if err != nil {
		return err
	}
	c.printf("%s", text)
	return nil
}

// roleUsers are the users of one process. A user of another name than the
// role and the process's own would not get the rights that go with it.
func roleUsers(c *console, file string) ([]routing.User, error) {
	cfg, err := config.Load(file, c.environ)
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
		if u.User != user.Name() {
			return nil, fmt.Errorf("%s: nats.users.%s.user is %q: leave it out, the rights belong to %q", file, role, u.User, user.Name())
		}
		users = append(users, user)
	}
	return users, nil
}
