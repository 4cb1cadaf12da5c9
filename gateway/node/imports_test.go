package node_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// strangers are files that know of hawser only what its documents say: what
// they may import, and the other files that they may use.
var strangers = []struct {
	files []string
	// imports beside those of the standard library.
	imports []string
}{
	{files: []string{"spec_codec_test.go", "spec_body_test.go", "spec_device_test.go"}},
	{files: []string{"backend_nats_test.go"}, imports: []string{"github.com/nats-io/nats.go", "github.com/nats-io/nats.go/micro"}},
	{files: []string{"backend_sync_test.go"}, imports: []string{"github.com/nats-io/nats.go"}},
	{files: []string{"backend_http_test.go"}},
}

// What a stranger knows stays what the documents say: it imports nothing of
// hawser, and uses nothing of the tests' other files that do.
func TestStrangersStayStrangers(t *testing.T) {
	t.Parallel()
	for _, s := range strangers {
		foreign := declaredElsewhere(t, s.files)
		for _, name := range s.files {
			file := parseFile(t, name)
			for _, spec := range file.Imports {
				path, _ := strconv.Unquote(spec.Path.Value)
				if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") && !slices.Contains(s.imports, path) {
					t.Errorf("%s imports %s", name, path)
				}
			}
			for _, id := range used(file) {
				if from := foreign[id]; from != "" {
					t.Errorf("%s uses %s of %s", name, id, from)
				}
			}
		}
	}
}

func parseFile(t *testing.T, name string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// declaredElsewhere are the package's names by the file that declares them,
// without those of the files named.
func declaredElsewhere(t *testing.T, but []string) map[string]string {
	t.Helper()
	all, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, name := range all {
		if slices.Contains(but, name) {
			continue
		}
		for _, d := range parseFile(t, name).Decls {
			for _, id := range declared(d) {
				names[id] = name
			}
		}
	}
	return names
}

func declared(d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			names = append(names, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				names = append(names, spec.Name.Name)
			case *ast.ValueSpec:
				for _, id := range spec.Names {
					names = append(names, id.Name)
				}
			}
		}
	}
	return names
}

// used are the identifiers of a file that may name what another file
// declares: not those of fields and methods.
func used(file *ast.File) (ids []string) {
	own := map[*ast.Ident]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			own[n.Sel] = true
		case *ast.Field:
			for _, id := range n.Names {
				own[id] = true
			}
		case *ast.FuncDecl:
			own[n.Name] = n.Recv != nil
		case *ast.KeyValueExpr:
			if id, ok := n.Key.(*ast.Ident); ok {
				own[id] = true
			}
		case *ast.Ident:
			if !own[n] {
				ids = append(ids, n.Name)
			}
		}
		return true
	})
	return ids
}
