package main

import "testing"

func TestMethodName(t *testing.T) {
	for in, want := range map[string]string{"Place": "place", "ListOpen": "list_open", "GetV2": "get_v2"} {
		if got := methodName(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
