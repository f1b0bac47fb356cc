package cluster_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
)

// N15: each way in which stack, servers and pool may come apart is named, and what is in order is not.
func TestN15Strays(t *testing.T) {
	t.Parallel()
	drained := []string{"drain=r", "drain-since=1", "drain-weight=1"}
	for name, c := range map[string]struct {
		spoil func(s *cluster.State)
		kind  cluster.StrayKind
		mends string
	}{
		"in order":                {func(*cluster.State) {}, "", ""},
		"broken, and known to be": {func(s *cluster.State) { s.Nodes[1].Health = "ERROR" }, "", ""},
		"being drained":           {func(s *cluster.State) { s.Nodes[1].Weight, s.Nodes[1].Tags = 0, drained }, "", ""},
		"weight 0 on purpose":     {func(s *cluster.State) { s.Nodes[1].Weight, s.Nodes[1].Tags = 0, []string{"protect"} }, "", ""},
		"Heat is at work":         {func(s *cluster.State) { s.Status, s.Nodes[1].Server = "IN_PROGRESS", "" }, "", ""},
		"no server":               {func(s *cluster.State) { s.Nodes[1].Server = "" }, cluster.NoServer, "check"},
		"no member":               {func(s *cluster.State) { s.Nodes[1].Member = "" }, cluster.NoMember, "check"},
		"weight 0":                {func(s *cluster.State) { s.Nodes[1].Weight = 0 }, cluster.OutOfService, "1"},
		"switched off":            {func(s *cluster.State) { s.Nodes[1].AdminUp = false }, cluster.OutOfService, "1"},
		"half a drain":            {func(s *cluster.State) { s.Nodes[1].Weight, s.Nodes[1].Tags = 0, []string{"drain-weight=7"} }, cluster.OutOfService, "1"},
		"a stranger": {func(s *cluster.State) {
			s.Strangers = []cluster.Node{{Member: "m", Address: "10.9.9.9", Weight: 1, AdminUp: true}}
		}, cluster.StrangeMember, ""},
	} {
		s := known(with(3, cluster.Policy{Drain: time.Minute}), nil)
		for i := range s.Nodes {
			s.Nodes[i].Tags = []string{}
		}
		c.spoil(&s)
		strays := s.Strays()
		members, check := s.Mend()
		mends := ""
		switch {
		case check:
			mends = "check"
		case len(members) == 1 && members[0].Weight == 1 && !slices.ContainsFunc(members[0].Tags, func(tag string) bool { return strings.HasPrefix(tag, "drain") }):
			mends = members[0].Node
		}
		switch {
		case c.kind == "" && len(strays) > 0:
			t.Errorf("%s: %+v", name, strays)
		case c.kind != "" && (len(strays) != 1 || strays[0].Kind != c.kind || strays[0].Advice == ""):
			t.Errorf("%s: %+v, want one %s", name, strays, c.kind)
		case mends != c.mends:
			t.Errorf("%s: mended by %q (%+v, %t), want %q", name, mends, members, check, c.mends)
		}
	}
}
