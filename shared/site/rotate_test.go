package site_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/site"
)

// played is a site whose nodes are made at once of the parameters that it has.
type played struct {
	t          *testing.T
	parameters map[string]string
	data       map[int]map[string]any    // slots that a data node was made with, by index
	apps       map[string]map[string]any // and an application node
	made       int
	at         int64
}

func play(t *testing.T) *played {
	t.Helper()
	p := &played{t: t, parameters: map[string]string{"slots": "{}", "app_count": "2", "site_state": `{"template":"d"}`}, data: map[int]map[string]any{}, apps: map[string]map[string]any{}}
	p.settle(nil)
	return p
}

// settle is what Heat does with an update.
func (p *played) settle(update map[string]any) {
	p.t.Helper()
	for name, value := range update {
		switch value.(type) {
		case map[string]any, site.Kept, []string:
			text, err := json.Marshal(value)
			if err != nil {
				p.t.Fatal(err)
			}
			p.parameters[name] = string(text)
		default:
			p.parameters[name] = fmt.Sprint(value)
		}
	}
	var slots map[string]any
	if err := json.Unmarshal([]byte(p.parameters["slots"]), &slots); err != nil {
		p.t.Fatal(err)
	}
	for i := range 3 {
		switch absent := p.parameters["backend_absent"] == strconv.Itoa(i); {
		case absent:
			delete(p.data, i)
		case p.data[i] == nil:
			p.data[i] = slots
		}
	}
	if len(p.data) < 2 {
		p.t.Fatal("more than one data node is away")
	}
	for _, name := range []string{"0", "1", "2", "3", "4", "5"} {
		if strings.Contains(p.parameters["app_removal"], `"`+name+`"`) {
			delete(p.apps, name)
		}
	}
	count, _ := strconv.Atoi(p.parameters["app_count"])
	for len(p.apps) < count {
		p.apps[strconv.Itoa(p.made)] = slots
		p.made++
	}
}

// have is the stack, and what its nodes said.
func (p *played) have() (site.Have, []site.Report) {
	p.at++
	h := site.Have{Action: "UPDATE", Status: "COMPLETE", Tags: []string{site.TagOurs, site.TagSite}, Parameters: maps.Clone(p.parameters), Nodes: slices.Sorted(maps.Keys(p.apps))}
	var said []site.Signal
	word := func(made map[string]any, kind string) string {
		words, _ := made["word"].(map[string]any)
		text, _ := words[kind].(string)
		return text
	}
	for i, made := range p.data {
		data := fmt.Sprintf(`{"uuid": "u", "seqno": 1, "size": 3, "mode": "join", "secrets": %q}`, word(made, "data"))
		said = append(said, site.Signal{ID: fmt.Sprintf("backend-%d-%d", i, 1700000000+p.at), Status: "SUCCESS", Data: data})
	}
	for name, made := range p.apps {
		said = append(said, site.Signal{ID: fmt.Sprintf("app-academy-app-%s-%d", name, 1700000000+p.at), Status: "SUCCESS", Data: fmt.Sprintf(`{"secrets": %q}`, word(made, "app"))})
	}
	return h, site.ReportsOf(said)
}

// place is what a node was made to use of a store, and both whether it takes what it does not use.
func place(made map[string]any, store, kind string) (used string, both bool) {
	s, _ := made[store].(map[string]any)
	used, _ = s[kind].(string)
	return used, s["both"] == "yes"
}

// open checks that every application node's place is good at every data node, for stores that each data node keeps by itself.
func (p *played) open(step string) {
	p.t.Helper()
	for name, app := range p.apps {
		for i, data := range p.data {
			wants, _ := place(app, "redis", "app")
			uses, both := place(data, "redis", "data")
			if wants != uses && !both {
				p.t.Errorf("%s: application node %s is shut out of data node %d", step, name, i)
			}
		}
	}
}

func ask(n int) site.Ask {
	return site.Ask{Who: "ci", Token: fmt.Sprintf("token-%03d-and-more", n)[6:], Now: time.Unix(1700000000, 0)}
}

// 7.1 no. 15: from any state the next step follows from it alone; no step shuts anyone out, and the end has one place and no marks.
func TestRow7115StepsFollowFromTheState(t *testing.T) {
	t.Parallel()
	p := play(t)
	wish := site.Wish{Stores: []string{"mysql", "mongodb", "redis"}, Since: time.Unix(1600000000, 0)}
	var steps []string
	for n := range 60 {
		h, reports := p.have()
		r := site.Rotate(h, reports, wish, ask(n))
		if again := site.Rotate(h, reports, wish, ask(n)); fmt.Sprint(again) != fmt.Sprint(r) {
			t.Fatalf("%v, then %v", r, again)
		}
		if r.Refused != "" || len(r.Parameters) == 0 && !r.Done {
			t.Fatalf("after %v: %+v", steps, r)
		}
		steps = append(steps, r.Step)
		p.settle(r.Parameters)
		p.open(r.Step)
		if n == 0 && (len(r.Draw) != 3 || r.Draw["mysql_b"] != "mysql" || len(r.Remaining) != 5) {
			t.Errorf("it begins with %+v", r)
		}
		if n > 0 && len(r.Draw) > 0 {
			t.Errorf("secrets are drawn again: %v", r.Draw)
		}
		if r.Done {
			break
		}
	}
	if got := slices.Compact(slices.Clone(steps)); !slices.Equal(got, []string{"spread", "switch", "revoke", ""}) || len(steps) != 20 {
		t.Errorf("%d steps: %v", len(steps), steps)
	}
	for i, data := range p.data {
		if uses, both := place(data, "mysql", "data"); uses != "b" || both {
			t.Errorf("data node %d uses %q, both %v", i, uses, both)
		}
	}
	h, reports := p.have()
	if r := site.Rotate(h, reports, wish, ask(99)); !r.Done || len(r.Parameters) > 0 || site.Rotating(h.Parameters) != "" || h.Parameters["app_count"] != "2" {
		t.Errorf("it is not at its end: %+v", r)
	}
	// Where each secret is kept is told of both places.
	for _, ref := range site.References(h.Parameters) {
		if want := map[string]string{"mysql_password": "mysql_b", "redis_password": "redis_b", "search_key": "secrets"}[ref.Secret]; want != "" && ref.Parameter != want {
			t.Errorf("%s is said to be in %s", ref.Secret, ref.Parameter)
		}
	}
}

// A node that has not said the word of the step is not taken for new, whatever else is there.
func TestRow7115TrustsNoSilentNode(t *testing.T) {
	t.Parallel()
	p := play(t)
	wish := site.Wish{Stores: []string{"redis"}, Since: time.Unix(1600000000, 0)}
	h, reports := p.have()
	p.settle(site.Rotate(h, reports, wish, ask(1)).Parameters)
	h, _ = p.have()
	if r := site.Rotate(h, nil, wish, ask(2)); len(r.Parameters) > 0 || r.Done || !strings.Contains(r.Reason, "must not go") {
		t.Errorf("%+v", r)
	}
	for n := range 6 {
		h, reports = p.have()
		p.settle(site.Rotate(h, reports, wish, ask(3+n)).Parameters)
	}
	h, reports = p.have()
	silent := slices.DeleteFunc(slices.Clone(reports), func(r site.Report) bool { return r.Role == "backend" && r.Index == 1 })
	if r := site.Rotate(h, silent, wish, ask(20)); r.Step != "spread" || r.Parameters["backend_absent"] != "1" {
		t.Errorf("%+v", r)
	}
	apart := slices.Clone(reports)
	for i := range apart {
		if apart[i].Role == "backend" && apart[i].Index == 0 {
			apart[i].UUID = "another"
		}
	}
	if r := site.Rotate(h, apart, wish, ask(21)); len(r.Parameters) > 0 || r.Done {
		t.Errorf("goes on with a cluster that is split: %+v", r)
	}
	if r := site.Rotate(h, reports, wish, ask(22)); r.Step != "switch" {
		t.Errorf("%+v", r)
	}
	delete(h.Parameters, "slots")
	if r := site.Rotate(h, reports, wish, ask(23)); r.Refused == "" {
		t.Errorf("an older template: %+v", r)
	}
}

// The latest word of a node counts, in whatever order Heat has them; what says none takes none away.
func TestRow7115LatestWordCounts(t *testing.T) {
	t.Parallel()
	all := []site.Signal{
		{ID: "backend-1-1700000001", Data: `{"secrets": "first"}`},
		{ID: "backend-1-1700000002", Data: `{"secrets": "second"}`},
		{ID: "backend-1-1700000003", Data: `{"secrets": "third"}`},
		{ID: "backend-1-1700000004", Data: `{"step": "backup"}`},
	}
	for range 24 {
		all = append(all[1:], all[0])
		all[0], all[2] = all[2], all[0]
		if got := site.ReportsOf(all); len(got) != 1 || got[0].Secrets != "third" || got[0].Step != "backup" {
			t.Fatalf("%v: %+v", all, got)
		}
	}
}

// Secrets of a store have all its names, each another, and are stars in print.
func TestRow7115DrawnSecrets(t *testing.T) {
	t.Parallel()
	random := bytes.NewReader(bytes.Repeat([]byte("0123456789abcdefhunter2"), 200))
	names := map[string]int{"mysql": 3, "mongodb": 3, "redis": 1, "storage": 2}
	for _, store := range site.Stores() {
		s, err := site.DrawSecrets(random, store, site.Storage{AccessKey: "a", SecretKey: "b"})
		if err != nil || len(s.Reveal()) != names[store] || fmt.Sprint(s) != "***" {
			t.Errorf("%s: %d secrets, %v", store, len(s.Reveal()), err)
		}
	}
	if _, err := site.DrawSecrets(bytes.NewReader(nil), "redis", site.Storage{}); err == nil {
		t.Error("drawn of nothing")
	}
}
