package config

import (
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func TestExampleLoads(t *testing.T) {
	dir := exampleFiles(t)
	file := filepath.Join(dir, "hawser.yaml")
	writeFile(t, file, Example())
	t.Setenv("EXAMPLE_MAIL_APNS_KEY", "a key")
	c, err := Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Edge.TLS.CertFile, File(filepath.Join(dir, "edge.pem")); got != want {
		t.Errorf("cert_file = %s, want %s", got, want)
	}
	if got := c.Tenants[0].Kinds["contacts"].Push.Class; got != "contacts" {
		t.Errorf("the class defaults to %q, want the kind", got)
	}
}

// TestExampleHasEveryField holds the example complete: a field that is added
// to the struct fails here until the example explains it.
func TestExampleHasEveryField(t *testing.T) {
	_, k := parse("hawser.yaml", []byte(Example()), nil)
	given := map[string]bool{}
	for path := range k.places {
		given[general(path)] = true
	}
	var walk func(path string, typ reflect.Type)
	walk = func(path string, typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Struct:
			for i := range typ.NumField() {
				walk(strings.TrimPrefix(path+"."+yamlName(typ.Field(i)), "."), typ.Field(i).Type)
			}
			return
		case reflect.Slice:
			if typ.Elem().Kind() == reflect.Struct {
				walk(path+"[]", typ.Elem())
				return
			}
		case reflect.Map:
			walk(path+".*", typ.Elem())
			return
		}
		// One role shows one way to log in, another the other.
		path = strings.NewReplacer("users.edge", "users.*", "users.router", "users.*", "users.push", "users.*").Replace(path)
		if !given[path] {
			t.Errorf("the example does not show %s", path)
		}
	}
	walk("", reflect.TypeFor[Config]())
}

// general replaces indices, names of kinds and roles by what the walk over
// the types has there.
func general(path string) string {
	path = regexp.MustCompile(`\[\d+\]`).ReplaceAllString(path, "[]")
	path = regexp.MustCompile(`kinds\.[^.]+`).ReplaceAllString(path, "kinds.*")
	path = regexp.MustCompile(`^tenants\[\]\.services\..+`).ReplaceAllString(path, "tenants[].services.*")
	path = regexp.MustCompile(`edge_tenants\.[^.[]+`).ReplaceAllString(path, "edge_tenants.*")
	path = regexp.MustCompile(`users\.[^.]+`).ReplaceAllString(path, "users.*")
	return strings.TrimSuffix(path, "_files[]")
}
