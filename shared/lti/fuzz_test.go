package lti_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stackhook/stackhook/shared/lti"
)

// What the parser takes must be what net/url takes apart, wherever net/url takes it at all.
func FuzzParseForm(f *testing.F) {
	for _, seed := range []string{
		"", "a=b", "a=b&a=c", "a", "=", "&&", "a=%zz", "a=%e4", "a=%", "a=%4", "a=1;b=2", "a+b=c+d", "%61=%2B", "a=\xff", "a=b=c", "ü=é",
		"c2&a3=2+q", "b5=%3D%253D&a3=a&c%40=&a2=r%20b", strings.Repeat("a&", 301), strings.Repeat("x", 300) + "=1", "%00=%0a",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		fields, err := lti.ParseForm(raw)
		if err != nil {
			return
		}
		var rebuilt []string
		for _, field := range fields {
			if !utf8.ValidString(field.Name) || !utf8.ValidString(field.Value) {
				t.Fatalf("%q gave text that is not UTF-8: %q", raw, field)
			}
			rebuilt = append(rebuilt, url.QueryEscape(field.Name)+"="+url.QueryEscape(field.Value))
		}
		again, err := lti.ParseForm(strings.Join(rebuilt, "&"))
		if err != nil || !slices.Equal(fields, again) {
			t.Fatalf("%q: %q read again gives %q, %v", raw, fields, again, err)
		}
		if std, err := url.ParseQuery(raw); err == nil {
			ours := url.Values{}
			for _, field := range fields {
				ours.Add(field.Name, field.Value)
			}
			if ours.Encode() != std.Encode() {
				t.Fatalf("%q: we read %q, net/url %q", raw, ours.Encode(), std.Encode())
			}
		}
	})
}

// A base string has exactly three parts, whatever goes in, and the order of the fields does not matter.
func FuzzBaseString(f *testing.F) {
	f.Add("POST", "https://hooks.example.org/launch-lab/launch", "a=b&c=d")
	f.Add("get", "http://EXAMPLE.com:80", "a3=2+q&a3=a&c2&c%40=")
	f.Add("POST", "http://[::1]:8080/x?y=z#f", "oauth_signature=x&=&a%00=%26")
	f.Add("POST", "https://example.com/%7Euser/%2F", "ü=é")
	f.Fuzz(func(t *testing.T, method, uri, form string) {
		fields, err := lti.ParseForm(form)
		if err != nil || strings.Contains(method, "&") {
			return
		}
		base, err := lti.BaseString(method, uri, fields)
		if err != nil {
			return
		}
		if strings.Count(base, "&") != 2 {
			t.Fatalf("%q is not three parts", base)
		}
		slices.Reverse(fields)
		if reversed, err := lti.BaseString(method, uri, fields); err != nil || reversed != base {
			t.Fatalf("order matters: %q and %q, %v", base, reversed, err)
		}
	})
}
