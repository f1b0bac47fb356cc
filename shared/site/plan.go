package site

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
)

// Tags of every site's stack.
const (
	TagOurs = "stackhook"
	TagSite = "site"
)

// Template is what a site's stack is made from: its digest, and the defaults of its parameters.
type Template struct {
	Digest   string
	Defaults map[string]any
}

// URLs are what the site's alarms call; empty ones make no alarms.
type URLs struct{ Out, In string }

// Want is a checked and filled Spec with what else makes a stack of it.
type Want struct {
	Spec     Spec
	Template Template
	URLs     URLs
}

// state is what was last asked for, in the parameter site_state: what the other parameters do not show.
type state struct {
	Nodes    int    `json:"nodes,omitempty"` // as asked, which is not what scaling made of it
	URLs     string `json:"urls,omitempty"`  // digest: Heat never shows hidden parameters
	Template string `json:"template"`
}

// Parameters are those of a new stack.
func (w Want) Parameters() map[string]any {
	p := w.settings()
	p["app_count"] = w.start()
	p["scale_out_url"], p["scale_in_url"] = w.URLs.Out, w.URLs.In
	return p
}

// start is the number of nodes of a new site.
func (w Want) start() int {
	if w.Spec.Nodes != nil {
		return *w.Spec.Nodes
	}
	return *w.Spec.Min
}

// settings are the parameters that are compared with what the stack shows.
func (w Want) settings() map[string]any {
	s := w.Spec
	p := map[string]any{
		"image": s.Image, "flavor": s.Flavor, "app_min": *s.Min, "app_max": *s.Max,
		"network": s.Network, "subnet": s.Subnet, "key_name": s.KeyName, "external_network": "",
	}
	if s.ExternalNetwork != nil {
		p["external_network"] = *s.ExternalNetwork
	}
	w.text(p, "cidr", s.CIDR)
	w.text(p, "user_data", s.UserData)
	w.text(p, "health_path", s.HealthPath)
	w.text(p, "alarm_metric", s.Alarm.Metric)
	w.text(p, "alarm_aggregation", s.Alarm.Aggregation)
	number(w, p, "listen_port", s.ListenPort)
	number(w, p, "app_port", s.AppPort)
	number(w, p, "alarm_granularity", s.Alarm.Granularity)
	number(w, p, "alarm_periods", s.Alarm.Periods)
	number(w, p, "alarm_high", s.Alarm.High)
	number(w, p, "alarm_low", s.Alarm.Low)
	w.seconds(p, "cooldown_out", s.CooldownOut)
	w.seconds(p, "cooldown_in", s.CooldownIn)
	p["site_state"] = w.state()
	return p
}

func (w Want) state() string {
	st := state{Template: w.Template.Digest}
	if w.Spec.Nodes != nil {
		st.Nodes = *w.Spec.Nodes
	}
	if w.URLs.Out != "" {
		st.URLs = Digest(w.URLs.Out, w.URLs.In)
	}
	b, err := json.Marshal(st)
	if err != nil {
		return "" // no field of it can fail to encode
	}
	return string(b)
}

func (w Want) text(p map[string]any, name, value string) {
	p[name] = w.Template.Defaults[name]
	if value != "" {
		p[name] = value
	}
}

func (w Want) seconds(p map[string]any, name, value string) {
	p[name] = w.Template.Defaults[name]
	if d, err := duration(value); err == nil && value != "" {
		p[name] = int(d / time.Second)
	}
}

func number[T int | float64](w Want, p map[string]any, name string, value *T) {
	p[name] = w.Template.Defaults[name]
	if value != nil {
		p[name] = *value
	}
}

// Have is a site's stack as it is.
type Have struct {
	Action, Status string
	Tags           []string
	Parameters     map[string]string // as Heat prints them
}

// Code says what a second request comes to.
type Code string

// The codes of a Change.
const (
	Unchanged Code = "unchanged"
	Changed   Code = "changed"
	Busy      Code = "busy"
	Immutable Code = "immutable"
	NotOurs   Code = "name_taken"
	Stopped   Code = "suspended"
)

// Change is what a request means for a site that exists.
type Change struct {
	Code Code
	// Fields are the parameters that differ, in order.
	Fields []string
	// Parameters are to be written; they carry a memory with the given token, so that it can be read back.
	Parameters map[string]any
	// Template says that the template itself is another one by now and has to be sent along.
	Template bool
}

// immutable parameters make another network of it, and everything in it anew: that is another site.
var immutable = []string{"network", "subnet", "cidr"}

// Plan compares what is wanted with what is there. who and token go into the cluster's memory.
func Plan(w Want, h Have, who, token string, now time.Time) Change {
	if !slices.Contains(h.Tags, TagOurs) || !slices.Contains(h.Tags, TagSite) {
		return Change{Code: NotOurs}
	}
	var had state
	if json.Unmarshal([]byte(h.Parameters["site_state"]), &had) != nil {
		had = state{}
	}
	c := Change{Code: Changed, Parameters: map[string]any{}, Template: had.Template != w.Template.Digest}
	for name, value := range w.settings() {
		if name != "site_state" && !same(h.Parameters[name], value) {
			c.Parameters[name] = value
		}
	}
	if w.Spec.CIDR == "" && w.Spec.Network != "" {
		delete(c.Parameters, "cidr") // of no use on a given network
	}
	w.alarms(had, c.Parameters)
	count, _ := strconv.Atoi(h.Parameters["app_count"])
	next := w.count(count, had)
	if next != count {
		c.Parameters["app_count"], c.Parameters["app_removal"] = next, []string{}
	}
	c.Fields = slices.Sorted(maps.Keys(c.Parameters))
	if c.Template {
		c.Fields = append(c.Fields, "template")
	}
	c.Code = verdict(c, h, h.Parameters["site_state"] != w.state())
	if c.Code != Changed {
		c.Parameters = nil
		return c
	}
	memory, _ := cluster.Remember(h.Parameters["scale_state"])
	size := cluster.Unchanged
	if next != count {
		size = cluster.Scaled
	}
	c.Parameters["scale_state"] = memory.Record(cluster.OpSite, count, next, size, who, token, now).String()
	c.Parameters["site_state"] = w.state()
	return c
}

// verdict says whether the change may be made now. A stack that failed is written again even if nothing differs: that is
// how Heat is told to try once more.
func verdict(c Change, h Have, stateDiffers bool) Code {
	differs := len(c.Fields) > 0 || stateDiffers
	switch {
	case slices.ContainsFunc(c.Fields, func(f string) bool { return slices.Contains(immutable, f) }):
		return Immutable
	case h.Action == "DELETE":
		return Busy
	case h.Status == "IN_PROGRESS" && differs:
		return Busy
	case h.Status == "FAILED" && (h.Action == "SUSPEND" || h.Action == "RESUME"), h.Action == "SUSPEND" && differs:
		return Stopped
	case differs, h.Status == "FAILED":
		return Changed
	}
	return Unchanged
}

// alarms adds the URLs if they are others by now: Heat does not show them, so their digest is compared.
func (w Want) alarms(had state, p map[string]any) {
	now := ""
	if w.URLs.Out != "" {
		now = Digest(w.URLs.Out, w.URLs.In)
	}
	if now != had.URLs {
		p["scale_out_url"], p["scale_in_url"] = w.URLs.Out, w.URLs.In
	}
}

// count is the number of nodes after the change; see the package's comment for who owns it.
func (w Want) count(now int, had state) int {
	if w.Spec.Nodes != nil && *w.Spec.Nodes != had.Nodes {
		now = *w.Spec.Nodes
	}
	return min(max(now, *w.Spec.Min), *w.Spec.Max)
}

// same compares a value with what Heat prints of it: numbers by value, as 80 may come back as 80.0.
func same(printed string, value any) bool {
	var text string
	switch v := value.(type) {
	case string:
		return printed == v
	case nil:
		return printed == ""
	default:
		text = fmt.Sprint(v)
	}
	a, errA := strconv.ParseFloat(strings.TrimSpace(printed), 64)
	b, errB := strconv.ParseFloat(text, 64)
	if errA != nil || errB != nil {
		return printed == text
	}
	return a == b
}

// Digest is a short fingerprint of texts.
func Digest(texts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return hex.EncodeToString(sum[:6])
}
