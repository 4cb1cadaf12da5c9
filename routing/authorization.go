package routing

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Authorization prints the users as an authorization block of a nats-server
// configuration. The passwords are in it: treat it as a secret.
func Authorization(users []User) (string, error) {
	if len(users) == 0 {
		return "", errors.New("an authorization block needs at least one user: a NATS server without users lets everybody in")
	}
	var b strings.Builder
	b.WriteString("authorization {\n  users: [\n")
	seen := map[string]bool{}
	for _, u := range users {
		if err := u.Check(); err != nil {
			return "", err
		}
		if seen[u.Name()] {
			return "", fmt.Errorf("NATS user %s is given twice", u.Name())
		}
		seen[u.Name()] = true
		writeUser(&b, u)
	}
	b.WriteString("  ]\n}\n")
	return b.String(), nil
}

func writeUser(b *strings.Builder, u User) {
	p := u.Permissions()
	fmt.Fprintf(b, "    {\n      user: %s\n      password: %s\n      permissions {\n",
		strconv.Quote(u.Name()), strconv.Quote(u.Password))
	writeSubjects(b, "publish", p.Publish)
	writeSubjects(b, "subscribe", p.Subscribe)
	b.WriteString("      }\n    }\n")
}

func writeSubjects(b *strings.Builder, verb string, subjects []string) {
	fmt.Fprintf(b, "        %s {\n          allow: [\n", verb)
	for _, s := range subjects {
		fmt.Fprintf(b, "            %s\n", strconv.Quote(s))
	}
	b.WriteString("          ]\n        }\n")
}
