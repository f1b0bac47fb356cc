package valid_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/valid"
)

type spec struct {
	Name  string          `json:"name" yaml:"label" validate:"required,stackname"`
	Count int             `json:"count" validate:"min=1,max=9"`
	Key   string          `json:"key" validate:"omitempty,unreserved"`
	Kind  string          `json:"kind" validate:"omitempty,oneof=a b"`
	CIDR  string          `json:"cidr" validate:"omitempty,cidr"`
	Ports []int           `json:"ports" validate:"max=2,dive,min=1"`
	Nodes map[string]node `json:"nodes" validate:"dive"`
	Other string          `validate:"omitempty,iscolor"`
}

type node struct {
	Flavor string `json:"flavor" validate:"required"`
}

func good() spec { return spec{Name: "site-1", Count: 1} }

func with(change func(*spec)) spec {
	s := good()
	change(&s)
	return s
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   spec
		want []valid.Fault
	}{
		"good":      {good(), nil},
		"missing":   {with(func(s *spec) { s.Name = "" }), []valid.Fault{{"name", "is missing; set it."}}},
		"too small": {with(func(s *spec) { s.Count = 0 }), []valid.Fault{{"count", "must be at least 1."}}},
		"too large": {with(func(s *spec) { s.Count = 10 }), []valid.Fault{{"count", "must be at most 9."}}},
		"choice":    {with(func(s *spec) { s.Kind = "c" }), []valid.Fault{{"kind", "must be one of: a, b."}}},
		"network":   {with(func(s *spec) { s.CIDR = "10.0.0.0" }), []valid.Fault{{"cidr", "must be a network such as 10.0.0.0/24."}}},
		"our rule":  {with(func(s *spec) { s.Key = "a/b" }), []valid.Fault{{"key", "must have only letters, digits and . _ ~ -."}}},
		"long list": {with(func(s *spec) { s.Ports = []int{1, 2, 3} }), []valid.Fault{{"ports", "must have at most 2 entries."}}},
		"list item": {with(func(s *spec) { s.Ports = []int{1, 0} }), []valid.Fault{{"ports[1]", "must be at least 1."}}},
		"map entry": {with(func(s *spec) { s.Nodes = map[string]node{"n": {}} }), []valid.Fault{{"nodes.n.flavor", "is missing; set it."}}},
		"no tag":    {with(func(s *spec) { s.Other = "x" }), []valid.Fault{{"Other", "breaks the rule iscolor."}}},
		"all":       {spec{Kind: "c"}, []valid.Fault{{"name", "is missing; set it."}, {"count", "must be at least 1."}, {"kind", "must be one of: a, b."}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := valid.JSON().Struct(&c.in); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestNamesByTag(t *testing.T) {
	t.Parallel()
	got := valid.YAML().Struct(spec{Count: 1})
	if len(got) != 1 || got[0].Path != "label" {
		t.Errorf("got %v, want the name of the yaml tag", got)
	}
	if got := valid.JSON().Struct("text"); got != nil {
		t.Errorf("what is no struct has no rules, but got %v", got)
	}
}

func TestStackNames(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"a": true, "lab-1f.x_Y": true, "": false, "1a": false, "-a": false, "a b": false, "a/b": false, "ä": false, strings.Repeat("a", 255): true, strings.Repeat("a", 256): false,
	} {
		if got := len(valid.JSON().Struct(spec{Name: name, Count: 1})) == 0; got != ok {
			t.Errorf("%q accepted: %v, want %v", name, got, ok)
		}
	}
}
