package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// EnvPrefix begins every environment variable that changes a field.
const EnvPrefix = "HAWSER_"

// envFields lists the fields that the environment can set, as variable name
// to field path.
func envFields() map[string]string {
	fields := map[string]string{}
	walkScalars("", reflect.TypeFor[Config](), func(path string) {
		// Version speaks of the file, and images like to set HAWSER_VERSION
		// to their own.
		if path != "version" {
			fields[EnvPrefix+strings.ToUpper(strings.ReplaceAll(path, ".", "_"))] = path
		}
	})
	return fields
}

// walkScalars calls each for every field that holds a single value or a list
// of single values and is not inside a list or a map.
func walkScalars(path string, t reflect.Type, each func(path string)) {
	for i := range t.NumField() {
		f := t.Field(i)
		sub := strings.TrimPrefix(path+"."+yamlName(f), ".")
		switch {
		case f.Type.Kind() == reflect.Struct:
			walkScalars(sub, f.Type, each)
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
		default:
			each(sub)
		}
	}
}

// environ applies the variables of env, a list of NAME=value.
func (d *decoder) environ(c *Config, env []string) {
	fields := envFields()
	// Sorted, so that errors come in the same order every time.
	for _, pair := range slices.Sorted(slices.Values(env)) {
		name, text, _ := strings.Cut(pair, "=")
		path, ok := fields[name]
		if !ok || text == "" {
			continue
		}
		d.places[path] = place{env: name}
		d.setEnv(path, name, text, fieldAt(reflect.ValueOf(c).Elem(), path))
	}
}

// EnvSlips returns a sentence for each variable of env that names no field but
// nearly does. Others are left alone: container platforms set variables that
// begin with a service's name.
func EnvSlips(env []string) []string {
	fields := envFields()
	known := slices.Sorted(maps.Keys(fields))
	for i := range known {
		known[i] = strings.ToLower(known[i])
	}
	var slips []string
	for _, pair := range slices.Sorted(slices.Values(env)) {
		name, _, _ := strings.Cut(pair, "=")
		if _, ok := fields[name]; ok || !strings.HasPrefix(name, EnvPrefix) {
			continue
		}
		if near := Nearest(name, known); near != "" {
			slips = append(slips, fmt.Sprintf("%s sets nothing: did you mean %s?", name, strings.ToUpper(near)))
		}
	}
	return slips
}

func (d *decoder) setEnv(path, name, text string, v reflect.Value) {
	if v.Kind() != reflect.Slice {
		d.scalar(path, text, v)
		return
	}
	parts := strings.Split(text, ",")
	out := reflect.MakeSlice(v.Type(), len(parts), len(parts))
	for i, part := range parts {
		d.places[index(path, i)] = place{env: name}
		d.scalar(index(path, i), strings.TrimSpace(part), out.Index(i))
	}
	v.Set(out)
}

func fieldAt(v reflect.Value, path string) reflect.Value {
	for name := range strings.SplitSeq(path, ".") {
		v = v.Field(fieldsOf(v.Type())[name])
	}
	return v
}
