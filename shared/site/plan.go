package site

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/cluster"
)

// Have is a site's stack as it is.
type Have struct {
	Action, Status string
	Tags           []string
	Parameters     map[string]string // as Heat prints them
	// Nodes are the names of the application nodes that are there. Only a change that they are to be kept from needs them;
	// see Change.NeedsNodes.
	Nodes []string
}

// Ours says that the stack is a site.
func (h Have) Ours() bool {
	return slices.Contains(h.Tags, TagOurs) && slices.Contains(h.Tags, TagSite)
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
	NewKeys   Code = "secrets"
	Guarded   Code = "replaces_backend"
)

// Change is what a request means for a site that exists.
type Change struct {
	Code Code
	// Verdict is how much it disturbs, as far as the parameters tell; see Weigh.
	Verdict Verdict
	// Fields are the parameters that differ, in order.
	Fields []string
	// Faults are the fields of the Spec that cannot be changed.
	Faults []Fault
	// Parameters are to be written; they carry a memory with the given token, so that it can be read back.
	Parameters map[string]any
	// Template says that the template itself is another one by now and has to be sent along.
	Template bool
	// NeedsNodes says that Have.Nodes matters to it: nodes that are there keep what they are made of until they are rolled.
	NeedsNodes bool
}

// Ask is who wants a change, and what they allow.
type Ask struct {
	Who, Token string
	// Override allows a change that makes the data nodes anew.
	Override bool
	// Latest lets a change overtake an update that is still being made. A site that is being made is not overtaken: Heat
	// fails then (measured).
	Latest bool
	Now    time.Time
}

// Plan compares what is wanted with what is there. Who and token go into the cluster's memory.
func Plan(w Want, h Have, ask Ask) Change {
	if !h.Ours() {
		return Change{Code: NotOurs, Verdict: Nothing}
	}
	had := stateIn(h.Parameters)
	c := Change{Code: Changed, Parameters: map[string]any{}, Template: had.Template != w.Template.Digest}
	for name, value := range w.settings() {
		if !same(h.Parameters[name], value) {
			c.Parameters[name] = value
		}
	}
	w.forgive(h, c.Parameters)
	if w.urls() != had.URLs { // Heat does not show the addresses, so their digest is compared
		c.Parameters["scale_out_url"], c.Parameters["scale_in_url"] = w.URLs.Out, w.URLs.In
	}
	count, _ := strconv.Atoi(h.Parameters["app_count"])
	next := w.count(count, had)
	if next != count {
		c.Parameters["app_count"], c.Parameters["app_removal"] = next, []string{}
	}
	c.Fields = slices.Sorted(maps.Keys(c.Parameters))
	if c.Template {
		c.Fields = append(c.Fields, "template")
	}
	c.Verdict = weigh(c.Fields)
	wants := w.state(had)
	c.judge(w, h, ask, had, h.Parameters["site_state"] != wants)
	if c.Code != Changed {
		c.Parameters = nil
		return c
	}
	c.keep(h)
	memory, _ := cluster.Remember(h.Parameters["scale_state"])
	size := cluster.Unchanged
	if next != count {
		size = cluster.Scaled
	}
	c.Parameters["scale_state"] = memory.Record(cluster.OpSite, count, next, size, ask.Who, ask.Token, ask.Now).String()
	c.Parameters["site_state"] = wants
	return c
}

// keep has the nodes that are there stay as they are. Heat would otherwise rebuild them all at once, data nodes too
// (heat-templates/README.md); Roll then replaces them one by one. An entry of app_kept, with whatever image and flavor,
// marks a node as made before the change.
func (c *Change) keep(h Have) {
	if slices.ContainsFunc(c.Fields, touchesApps) {
		c.NeedsNodes = true
		c.Parameters["app_kept"] = kept(h, "app", h.Nodes)
	}
	if slices.ContainsFunc(c.Fields, touchesBackend) {
		c.Parameters["backend_kept"] = kept(h, "backend", []string{"0", "1", "2"})
	}
}

// Kept are image and flavor that nodes were told to keep, by name.
type Kept map[string]map[string]string

// KeptIn are those of the application nodes, or of the backend.
func KeptIn(parameters map[string]string, role string) Kept {
	var k Kept
	if json.Unmarshal([]byte(parameters[role+"_kept"]), &k) != nil {
		return nil
	}
	return k
}

func kept(h Have, role string, names []string) Kept {
	had, out := KeptIn(h.Parameters, role), Kept{}
	for _, name := range names {
		out[name] = map[string]string{"image": h.Parameters[role+"_image"], "flavor": h.Parameters[role+"_flavor"]}
		if earlier, there := had[name]; there {
			out[name] = earlier // not rolled since the change before this one
		}
	}
	return out
}

// forgive takes out what makes no difference: the addresses of a network that is not made, and the sizes and kind of
// volumes that were taken over with what they have.
func (w Want) forgive(h Have, p map[string]any) {
	if w.Spec.Network.CIDR == "" && w.Spec.Network.ID != "" {
		delete(p, "cidr")
	}
	if ids := VolumesIn(h.Parameters); len(ids) > 0 {
		for _, name := range []string{"mysql_size", "mongodb_size", "volume_type"} {
			delete(p, name)
		}
	}
}

// judge says whether the change may be made now. A stack that failed is written again even if nothing differs: that is
// how Heat is told to try once more.
func (c *Change) judge(w Want, h Have, ask Ask, had state, stateDiffers bool) {
	differs := len(c.Fields) > 0 || stateDiffers
	c.Faults = w.fixed(h, c.Fields)
	switch {
	case len(c.Faults) > 0:
		c.Code = Immutable
	case w.otherKeys(had):
		c.Code = NewKeys
	case h.Action == "DELETE":
		c.Code = Busy
	case h.Status == "IN_PROGRESS" && differs && !c.overtakes(h, ask):
		c.Code = Busy
	case h.Status == "FAILED" && (h.Action == "SUSPEND" || h.Action == "RESUME"), h.Action == "SUSPEND" && differs:
		c.Code = Stopped
	case c.Verdict == ReplacesBackend && !ask.Override:
		c.Code = Guarded
	case differs, h.Status == "FAILED":
		c.Code = Changed
	default:
		c.Code = Unchanged
	}
}

// overtakes says that the change may be made while Heat is at work: it is asked to, and neither of the two touches a data
// node. What a roll, a recovery or a rotation has begun goes on to its end.
func (c *Change) overtakes(h Have, ask Ask) bool {
	memory, _ := cluster.Remember(h.Parameters["scale_state"])
	for _, word := range []string{"roll", "recover", "rotat"} {
		if strings.HasPrefix(memory.By, word) {
			return false
		}
	}
	return ask.Latest && h.Action == "UPDATE" && c.Verdict != ReplacesBackend
}

// fixed are the fields that a site keeps for life and that this request has otherwise.
func (w Want) fixed(h Have, fields []string) []Fault {
	var faults []Fault
	for _, name := range fields {
		if field, ok := immutable[name]; ok {
			faults = append(faults, Fault{field, "cannot be changed; a site has it for life."})
		}
	}
	if kind := w.Spec.LoadBalancer.Kind; kind != KindAuto && h.Parameters["lb_kind"] != "" && kind != h.Parameters["lb_kind"] {
		faults = append(faults, Fault{immutable["lb_kind"], "cannot be changed; a site has it for life."})
	}
	had := VolumesIn(h.Parameters)
	for _, key := range VolumeKeys() {
		if id := w.Spec.Backend.Volumes.IDs[key]; id != "" && id != had[key] {
			faults = append(faults, Fault{"backend.volumes." + key, "cannot be changed; a site has it for life."})
		}
	}
	return faults
}

// otherKeys says that the request has other keys of the object store than the site: those cannot be changed by a PUT, as
// Heat gives the secrets beside them to nobody.
func (w Want) otherKeys(had state) bool {
	if w.Keys == "" {
		return false
	}
	if w.SameKeys != nil {
		return !w.SameKeys(had.Keys)
	}
	return had.Keys != w.Keys
}

// count is the number of nodes after the change; see the package's comment for who owns it.
func (w Want) count(now int, had state) int {
	if w.Spec.App.Nodes != nil && *w.Spec.App.Nodes != had.Nodes {
		now = *w.Spec.App.Nodes
	}
	return min(max(now, *w.Spec.App.Min), *w.Spec.App.Max)
}
