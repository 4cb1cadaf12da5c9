package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// threshold is one --fail-if and how it ended.
type threshold struct {
	Rule string `json:"rule"`
	// Value is what the path leads to; nil where that was not measured, which
	// fails as well.
	Value  *float64 `json:"value"`
	Failed bool     `json:"failed"`
}

func (t threshold) saw() string {
	if t.Value == nil {
		return "not there"
	}
	return strconv.FormatFloat(*t.Value, 'g', -1, 64)
}

var rulePattern = regexp.MustCompile(`^([a-z0-9_.]+)(>=|<=|>|<)([0-9.eE+-]+)$`)

// rules are all --fail-if, also those that have a flag of their own.
func (o *options) rules() []string {
	rules := o.failIf
	if o.maxRSS > 0 {
		rules = append(rules[:len(rules):len(rules)], fmt.Sprintf("server.rss_bytes_per_conn>%g", o.maxRSS))
	}
	return rules
}

func checkRules(rules []string) error {
	var errs []error
	for _, r := range rules {
		_, _, _, err := parseRule(r)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func parseRule(rule string) (path, op string, bound float64, err error) {
	m := rulePattern.FindStringSubmatch(strings.ReplaceAll(rule, " ", ""))
	if m == nil {
		return "", "", 0, fmt.Errorf("--fail-if %.80q must be a path in the JSON, one of > >= < <=, and a number: server.goroutines>200", rule)
	}
	if bound, err = strconv.ParseFloat(m[3], 64); err != nil {
		return "", "", 0, fmt.Errorf("--fail-if %.80q: %q is no number", rule, m[3])
	}
	return m[1], m[2], bound, nil
}

// judge applies the rules, which have been checked, to the report.
func (r *report) judge(rules []string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		return err
	}
	for _, rule := range rules {
		path, op, bound, err := parseRule(rule)
		if err != nil {
			return err
		}
		t := threshold{Rule: rule, Value: at(tree, path), Failed: true}
		if t.Value != nil {
			t.Failed = holds(*t.Value, op, bound)
		}
		r.Thresholds = append(r.Thresholds, t)
	}
	return nil
}

// at returns the number that a path leads to, or nil.
func at(tree any, path string) *float64 {
	for name := range strings.SplitSeq(path, ".") {
		branch, ok := tree.(map[string]any)
		if !ok {
			return nil
		}
		tree = branch[name]
	}
	if v, ok := tree.(float64); ok {
		return &v
	}
	return nil
}

func holds(v float64, op string, bound float64) bool {
	switch op {
	case ">":
		return v > bound
	case ">=":
		return v >= bound
	case "<":
		return v < bound
	}
	return v <= bound
}
