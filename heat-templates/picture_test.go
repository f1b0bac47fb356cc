package heattemplates_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"testing/fstest"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
)

// A picture's type is what its bytes say, whatever its name; what is no picture is refused.
func TestPicture(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ content, kind string }{
		"plain svg":         {`<svg xmlns="http://www.w3.org/2000/svg"/>`, "image/svg+xml"},
		"svg with prologue": {"\ufeff<?xml version=\"1.0\"?>\n<!-- by hand -->\n<!DOCTYPE svg>\n<svg>\n</svg>", "image/svg+xml"},
		"png":               {"\x89PNG\r\n\x1a\n0000", "image/png"},
		"jpeg":              {"\xff\xd8\xff\xe0JFIF", "image/jpeg"},
		"html":              {"<!DOCTYPE html><svg></svg>", ""},
		"html with svg":     {"<script>alert(1)</script><svg></svg>", ""},
		"entities":          {`<!DOCTYPE svg [<!ENTITY a "b">]><svg></svg>`, ""},
		"gif":               {"GIF89a", ""},
		"svgish":            {"<svgx></svgx>", ""},
		"empty":             {"", ""},
		"too large":         {"<svg>" + strings.Repeat(" ", 32<<10) + "</svg>", ""},
	} {
		got, err := heattemplates.Picture(fstest.MapFS{"labs/own.bin": {Data: []byte(c.content)}}, "labs/own.bin")
		want := ""
		if c.kind != "" {
			want = "data:" + c.kind + ";base64," + base64.StdEncoding.EncodeToString([]byte(c.content))
		}
		if got != want || (err == nil) != (c.kind != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestPictureIsLookedForLikeATemplate(t *testing.T) {
	t.Parallel()
	builtin, err := heattemplates.Picture(nil, "labs/web.svg")
	if err != nil || len(builtin) > 3<<10 {
		t.Errorf("built in: %d characters, %v", len(builtin), err)
	}
	own, err := heattemplates.Picture(fstest.MapFS{"labs/web.svg": {Data: []byte("<svg>\n</svg>")}}, "labs/web.svg")
	if err != nil || own == builtin {
		t.Errorf("a file of the operator's goes before: %v", err)
	}
	if none, err := heattemplates.Picture(nil, ""); err != nil || none != "" {
		t.Errorf("none: %q, %v", none, err)
	}
	for _, bad := range []string{"missing.svg", "../web.svg", "/labs/web.svg", "http://example.org/web.svg", `labs\web.svg`, "."} {
		if got, err := heattemplates.Picture(nil, bad); err == nil || got != "" {
			t.Errorf("%s: %q, %v", bad, got, err)
		}
	}
}
