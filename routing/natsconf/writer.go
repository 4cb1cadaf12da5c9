package natsconf

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hawser-edge/hawser/routing"
)

// writer indents what it writes.
type writer struct {
	strings.Builder
	depth int
}

func (w *writer) line(format string, args ...any) {
	w.WriteString(strings.Repeat("  ", w.depth))
	fmt.Fprintf(w, format, args...)
	w.WriteByte('\n')
}

func (w *writer) open(text string) {
	w.line("%s", text)
	w.depth++
}

func (w *writer) close(text string) {
	w.depth--
	w.line("%s", text)
}

// users writes those of one account.
func (w *writer) users(users []routing.User, account string) {
	w.open("users: [")
	for _, u := range users {
		if Account(u) == account {
			w.user(u)
		}
	}
	w.close("]")
}

func (w *writer) user(u routing.User) {
	p := u.Permissions()
	w.open("{")
	w.line("user: %q", u.Name())
	w.line("password: $%s", variable(u))
	w.open("permissions {")
	w.subjects("publish", p.Publish)
	w.subjects("subscribe", p.Subscribe)
	w.close("}")
	w.close("}")
}

func (w *writer) subjects(verb string, subjects []string) {
	w.open(verb + " {")
	w.open("allow: [")
	for _, s := range subjects {
		w.line("%s", strconv.Quote(s))
	}
	w.close("]")
	w.close("}")
}
