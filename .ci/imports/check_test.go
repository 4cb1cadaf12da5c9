package imports

import (
	"fmt"
	"slices"
	"strings"
)

// check returns a sentence for each arrow that breaks a rule.
func check(pkgs []pkg) []string {
	var c complaints
	for _, p := range pkgs {
		path := strings.TrimPrefix(p.ImportPath, module)
		from, ok := find(path)
		if !ok {
			c.add("%s belongs to no layer: give it a place in .ci/imports/rules_test.go", path)
			continue
		}
		for _, imported := range p.Imports {
			c.arrow(from, path, imported, false)
		}
		for _, imported := range append(p.TestImports, p.XTestImports...) {
			c.arrow(from, path+" (test)", imported, true)
		}
		for _, m := range without[from.name] {
			if slices.ContainsFunc(p.Deps, func(dep string) bool { return within(dep, m) }) {
				c.add("%s contains %s, which %s must do without", path, m, from.name)
			}
		}
	}
	return c
}

type complaints []string

func (c *complaints) add(format string, args ...any) { *c = append(*c, fmt.Sprintf(format, args...)) }

// arrow checks that a package of the part from may import a path.
func (c *complaints) arrow(from part, path, imported string, test bool) {
	for m, only := range importers {
		if within(imported, m) && from.name != only {
			c.add("%s imports %s, but only %s imports it", path, imported, only)
		}
	}
	short, ours := strings.CutPrefix(imported, module)
	if !ours {
		return
	}
	to, known := find(short)
	if !known || to.name == from.name {
		return // complained of where it stands itself, or free
	}
	if allowed, limited := onlyOurs[from.name]; limited && !test && !slices.Contains(allowed, short) {
		c.onlyOurs(from, path, short, allowed)
	}
	switch a, b := group(from), group(to); {
	case a >= 0 && b >= 0 && a != b:
		c.add("%s imports %s, but %s and %s never import one another: declare an interface and let node join them", path, short, from.name, to.name)
	case to.layer > from.layer:
		c.add("%s (%v) imports %s (%v), but arrows point down only", path, from.layer, short, to.layer)
	case to.layer == from.layer && !test:
		c.add("%s imports %s of the same layer (%v), but only packages of one part do that", path, short, from.layer)
	}
}

func (c *complaints) onlyOurs(from part, path, short string, allowed []string) {
	if len(allowed) == 0 {
		c.add("%s imports %s, but %s imports nothing of ours", path, short, from.name)
		return
	}
	c.add("%s imports %s, but %s imports of ours only %s", path, short, from.name, strings.Join(allowed, ", "))
}

// find returns the part of a package, by its longest path.
func find(path string) (part, bool) {
	var found part
	best := ""
	for _, p := range parts {
		for _, pattern := range p.paths {
			tree, isTree := strings.CutSuffix(pattern, "/...")
			if (path == tree || isTree && within(path, tree)) && len(tree) >= len(best) {
				found, best = p, tree
			}
		}
	}
	return found, best != ""
}

// group returns which of the strangers a part is, or -1.
func group(p part) int {
	return slices.IndexFunc(strangers, func(names []string) bool { return slices.Contains(names, p.name) })
}

// within reports whether path is root or below it.
func within(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}
