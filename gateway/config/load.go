package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Load reads the file, applies the variables of env (as os.Environ gives
// them) and the defaults, and validates. The error is *Error where the
// content is wrong, and says everything that is; otherwise the file could not
// be read.
func Load(file string, env []string) (*Config, error) {
	data, err := readFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration: %w", err)
	}
	return Parse(file, data, env)
}

// Parse is Load for content that was read already; file is its name in errors
// and its directory is what relative paths count from.
func Parse(file string, data []byte, env []string) (*Config, error) {
	c, k := parse(file, data, env)
	if len(k.problems) > 0 {
		sortProblems(k.problems)
		return nil, &Error{File: file, Problems: k.problems}
	}
	return c, nil
}

func parse(file string, data []byte, env []string) (*Config, *checker) {
	d := &decoder{checker: checker{places: map[string]place{}}, dir: filepath.Dir(file)}
	var doc yaml.Node
	if err := yaml.Load(data, &doc); err != nil {
		d.problems = append(d.problems, syntaxProblem(err))
		return nil, &d.checker
	}
	c := &Config{}
	d.value("", doc.Content[0], reflect.ValueOf(c).Elem())
	d.environ(c, env)
	// A value that could not be read would be blamed a second time as missing.
	readable := len(d.problems)
	c.SetDefaults()
	c.check(&d.checker)
	d.problems = dropRepeats(d.problems, readable)
	return c, &d.checker
}

// dropRepeats removes, from the problems at and after from, those of a field
// that an earlier problem is about, or of a field inside it.
func dropRepeats(ps []Problem, from int) []Problem {
	blamed := map[string]bool{}
	for _, p := range ps[:from] {
		blamed[p.Path] = true
	}
	kept := ps[:from:from]
	for _, p := range ps[from:] {
		if !slices.ContainsFunc(withParents(p.Path), func(path string) bool { return blamed[path] }) {
			kept = append(kept, p)
		}
	}
	return kept
}

// withParents returns path and those of the sections around it, innermost
// first.
func withParents(path string) []string {
	var all []string
	for path != "" {
		all = append(all, path)
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return all
}

// syntaxProblem turns an error of the YAML library into one of ours.
func syntaxProblem(err error) Problem {
	if all := (*yaml.LoadErrors)(nil); errors.As(err, &all) && len(all.Errors) > 0 {
		// The library has no typed error for a wrong number of documents.
		if strings.Contains(err.Error(), "multiple") {
			return Problem{Text: "holds more than one YAML document: keep one and remove the line ---"}
		}
		return Problem{Text: "is empty: begin with version: 1, or copy the example from hawser config example"}
	}
	if one := (*yaml.LoadError)(nil); errors.As(err, &one) {
		return Problem{Line: one.Mark.Line, Text: "is not YAML: " + one.Message}
	}
	return Problem{Text: "is not YAML: " + err.Error()}
}
