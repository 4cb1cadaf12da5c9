package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the folder of the README.
const root = ".."

var (
	docLink = regexp.MustCompile(`\]\(([^)#]+)`)
	docTest = regexp.MustCompile("go test[^`\n]* -run ('[^']+'|[^ `']+)((?: \\./[^ `\n]+)+)")
	docRun  = regexp.MustCompile("go (?:run|build[^`\n]*|doc) (\\./[a-z0-9/]+)")
	aTest   = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
)

// What the documents link to exists, and the tests that they name are there to
// run: go test passes where a pattern matches none.
func TestDocuments(t *testing.T) {
	docs := documents(t)
	if len(docs) < 5 {
		t.Fatalf("only %q were found", docs)
	}
	for _, doc := range docs {
		text := readText(t, doc)
		for _, m := range docLink.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(m[1], "://") {
				exists(t, doc, filepath.Join(filepath.Dir(doc), m[1]))
			}
		}
		for _, m := range docRun.FindAllStringSubmatch(text, -1) {
			exists(t, doc, filepath.Join(root, m[1]))
		}
		for _, m := range docTest.FindAllStringSubmatch(text, -1) {
			for _, pattern := range strings.Split(strings.Trim(m[1], "'"), "|") {
				selects(t, doc, pattern, strings.Fields(m[2]))
			}
		}
	}
}

func documents(t *testing.T) (docs []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".md" {
			docs = append(docs, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return docs
}

func readText(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func exists(t *testing.T, doc, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Errorf("%s names what does not exist: %v", doc, err)
	}
}

// selects fails unless a pattern of -run selects a test of one of the folders.
func selects(t *testing.T, doc, pattern string, folders []string) {
	t.Helper()
	run := regexp.MustCompile(pattern)
	for _, folder := range folders {
		files, _ := filepath.Glob(filepath.Join(root, folder, "*_test.go")) // the pattern is ours
		for _, file := range files {
			for _, m := range aTest.FindAllStringSubmatch(readText(t, file), -1) {
				if run.MatchString(m[1]) {
					return
				}
			}
		}
	}
	t.Errorf("%s: -run %s selects no test in %s", doc, pattern, folders)
}
