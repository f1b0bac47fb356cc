package cluster_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stackhook/stackhook/shared/cluster"
)

func names(nodes []cluster.Node) []string {
	var out []string
	for _, n := range nodes {
		out = append(out, n.Name)
	}
	return out
}

// F5: what is broken goes first, and then by age; the order of the list does not matter.
func TestF5Victims(t *testing.T) {
	t.Parallel()
	all := healthy(12)
	all[3].Server, all[3].Member = "", ""
	all[5].Health = "ERROR"
	all[7].Weight = 0
	all[9].Tags = []string{"a", "protect"}
	all[10].Member = ""
	for _, row := range []struct {
		k      int
		newest bool
		want   []string
	}{
		{0, false, nil},
		{1, false, []string{"3"}},
		{6, false, []string{"3", "10", "5", "7", "0", "1"}},
		{6, true, []string{"10", "3", "5", "7", "11", "8"}},
		{99, false, []string{"3", "10", "5", "7", "0", "1", "2", "4", "6", "8", "11"}}, // never 9
	} {
		for range 20 {
			rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			if got := names(cluster.Victims(all, row.k, row.newest)); !slices.Equal(got, row.want) {
				t.Fatalf("%d, newest first %v: %v, want %v", row.k, row.newest, got, row.want)
			}
		}
	}
}

// spread is the difference between the fullest and the emptiest zone.
func spread(nodes []cluster.Node, zones int) int {
	counts := make([]int, zones)
	for _, n := range nodes {
		counts[n.Zone[0]-'a']++
	}
	return slices.Max(counts) - slices.Min(counts)
}

// F10: taking nodes away leaves the zones as even as they were, or even: one apart.
func TestF10ZonesStayEven(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 1000 {
		zones := 1 + random.IntN(4)
		all := healthy(zones + random.IntN(12))
		for i := range all {
			all[i].Zone = fmt.Sprintf("%c", 'a'+random.IntN(zones))
		}
		k := random.IntN(len(all))
		gone := cluster.Victims(all, k, round%2 == 0)
		left := slices.DeleteFunc(slices.Clone(all), func(n cluster.Node) bool { return slices.Contains(names(gone), n.Name) })
		if len(gone) != k || len(left) != len(all)-k {
			t.Fatalf("round %d: %d of %d gone", round, len(gone), k)
		}
		if was, is := spread(all, zones), spread(left, zones); is > max(was, 1) {
			t.Fatalf("round %d: spread from %d to %d, %d zones, %d of %d gone", round, was, is, zones, k, len(all))
		}
	}
}

// F6, N8: which nodes the patch names, and how many stay.
func TestRemovalNamesTheVictims(t *testing.T) {
	t.Parallel()
	two := func(s cluster.State) cluster.State {
		s.Min = 2
		return s
	}
	for name, row := range map[string]struct {
		state   cluster.State
		request cluster.Request
		code    cluster.Code
		count   int
		want    []string
	}{
		"oldest":                     {known(complete(3), nil), less(1), cluster.Scaled, 2, []string{"0"}},
		"newest":                     {known(with(3, cluster.Policy{NewestFirst: true}), nil), less(1), cluster.Scaled, 2, []string{"2"}},
		"set":                        {known(complete(4), nil), set(2), cluster.Scaled, 2, []string{"0", "1"}},
		"out names none":             {known(complete(3), nil), out(1), cluster.Scaled, 4, []string{}},
		"nodes not known":            {complete(3), less(1), cluster.Scaled, 2, []string{}},
		"F6 by name":                 {known(complete(3), nil), named("1"), cluster.Scaled, 2, []string{"1"}},
		"F6 by server":               {known(complete(3), nil), named("server-2"), cluster.Scaled, 2, []string{"2"}},
		"F6 by address":              {known(complete(3), nil), named("10.0.0.11"), cluster.Scaled, 2, []string{"1"}},
		"F6 two":                     {known(complete(4), nil), named("3", "1"), cluster.Scaled, 2, []string{"1", "3"}},
		"F6 two, one may go":         {known(two(complete(3)), broken(1)), named("0", "1"), cluster.Capped, 2, []string{"1"}},
		"N8 four, two broken, min 2": {known(two(complete(4)), broken(1, 3)), less(2), cluster.Scaled, 2, []string{"1", "3"}},
		"N8 four, one broken, in 2":  {known(two(complete(4)), broken(3)), less(2), cluster.Scaled, 2, []string{"3", "0"}},
		"N8 five, four broken":       {known(two(complete(4)), broken(0, 1, 2)), less(2), cluster.Scaled, 2, []string{"0", "1"}},
	} {
		d := cluster.Decide(row.state, row.request, start())
		if d.Code != row.code || d.Patch == nil || d.Patch.Count != row.count || !slices.Equal(d.Patch.Removal, row.want) || len(d.Victims) != len(row.want) {
			t.Errorf("%s: %+v %+v", name, d, d.Patch)
		}
	}
	// N8: all that is left in service has to stay, whatever the count says.
	s := known(two(complete(4)), func(n []cluster.Node) { n[0].Health, n[1].Health = "OFFLINE", "OFFLINE" })
	s.Nodes[0].Tags, s.Nodes[1].Tags = []string{"protect"}, []string{"protect"}
	if d := cluster.Decide(s, forced(less(1)), start()); d.Code != cluster.Unhealthy || d.Patch != nil {
		t.Errorf("N8: %+v", d)
	}
}
