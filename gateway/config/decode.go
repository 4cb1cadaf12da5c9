package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// decoder fills the typed struct from a YAML tree. The library's own decoding
// stops early and names no field path; this one goes on, so that a file can
// be put right in one go.
type decoder struct {
	checker
	// dir is what relative paths count from.
	dir string
}

// value decodes n into v. path is the field's name for errors.
func (d *decoder) value(path string, n *yaml.Node, v reflect.Value) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		d.at(path, n)
		d.addf(path, "uses a YAML anchor or alias: write the value out")
		return
	}
	if path != "" {
		d.at(path, n)
	}
	// A key without a value says nothing, as if it were not there.
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return
	}
	if n.Kind == yaml.SequenceNode && v.Type() == reflect.TypeFor[Services]() {
		d.services(path, n, v)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(path, n, v)
	case reflect.Map:
		d.mapping(path, n, v)
	case reflect.Slice:
		d.list(path, n, v)
	default:
		d.scalarNode(path, n, v)
	}
}

func (d *decoder) at(path string, n *yaml.Node) { d.places[path] = place{line: n.Line} }

func (d *decoder) structure(path string, n *yaml.Node, v reflect.Value) {
	fields := fieldsOf(v.Type())
	d.pairs(path, n, func(key, sub string, val *yaml.Node) {
		i, ok := fields[key]
		if !ok {
			d.at(sub, val)
			d.addf(sub, "no such field: %s", suggest(key, slices.Sorted(maps.Keys(fields))))
			return
		}
		d.value(sub, val, v.Field(i))
	})
}

func (d *decoder) mapping(path string, n *yaml.Node, v reflect.Value) {
	m := reflect.MakeMap(v.Type())
	d.pairs(path, n, func(key, sub string, val *yaml.Node) {
		elem := reflect.New(v.Type().Elem()).Elem()
		d.value(sub, val, elem)
		m.SetMapIndex(reflect.ValueOf(key), elem)
	})
	v.Set(m)
}

// pairs walks a YAML mapping, each key once.
func (d *decoder) pairs(path string, n *yaml.Node, each func(key, sub string, val *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.addf(path, "must be a section of fields, one \"name: value\" a line")
		return
	}
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		sub := strings.TrimPrefix(path+"."+key.Value, ".")
		if key.Kind != yaml.ScalarNode {
			d.problems = append(d.problems, Problem{Path: path, Line: key.Line,
				Text: "has a key that is not a name: write name: value"})
			continue
		}
		if line, dup := first[key.Value]; dup {
			d.problems = append(d.problems, Problem{Path: sub, Line: key.Line,
				Text: fmt.Sprintf("given twice, first on line %d: keep one", line)})
			continue
		}
		first[key.Value] = key.Line
		each(key.Value, sub, n.Content[i+1])
		// The key's line is where a reader looks; a value may begin lower.
		d.at(sub, key)
	}
}

func (d *decoder) list(path string, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.addf(path, "must be a list: write [a, b] or one \"- item\" a line")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		d.value(index(path, i), item, out.Index(i))
	}
	v.Set(out)
}

func (d *decoder) scalarNode(path string, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.ScalarNode {
		d.addf(path, "must be a single value")
		return
	}
	d.scalar(path, n.Value, v)
}

// scalar sets v from text, be it from the file or the environment.
func (d *decoder) scalar(path, text string, v reflect.Value) {
	switch p := v.Addr().Interface().(type) {
	case *File:
		*p = File(d.resolve(text))
	case *SecretFile:
		*p = SecretFile(d.resolve(text))
	case *time.Duration:
		t, err := time.ParseDuration(text)
		if err != nil {
			d.addf(path, "%s is not a duration: write for example 500ms, 10s, 2m or 24h", quote(text))
		}
		*p = t
	default:
		d.plain(path, text, v)
	}
}

func (d *decoder) plain(path, text string, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			d.addf(path, "%s is not a whole number", quote(text))
		}
		v.SetInt(i)
	case reflect.Bool:
		if text != "true" && text != "false" {
			d.addf(path, "%s must be true or false", quote(text))
		}
		v.SetBool(text == "true")
	default:
		// A test walks every field of Config, so no user gets here.
		panic(fmt.Sprintf("config: field %s has type %s, which cannot be read", path, v.Type()))
	}
}

func (d *decoder) resolve(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(d.dir, path)
}

// fieldsOf returns the index of each field of a struct by its YAML name.
func fieldsOf(t reflect.Type) map[string]int {
	fields := make(map[string]int, t.NumField())
	for i := range t.NumField() {
		fields[yamlName(t.Field(i))] = i
	}
	return fields
}

func yamlName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}
