package lab

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Divergence is one way in which what is there is not what should be.
type Divergence string

// The divergences that the doctor knows.
const (
	ExpiredAlive   Divergence = "expired_alive"    // its time is over for more than an hour
	Stuck          Divergence = "stuck"            // Heat does not come to an end
	BrokenLab      Divergence = "failed"           // in a state in which no learner can work
	Ownerless      Divergence = "ownerless"        // a lab that is nobody's
	Doubled        Divergence = "doubled"          // more than one for a learner
	LeftClaim      Divergence = "left_claim"       // a claim whose lab is gone or was given away
	LeftKeyPair    Divergence = "left_key_pair"    // of a lab that is gone
	LeftFloatingIP Divergence = "left_floating_ip" // without a port
	LeftNote       Divergence = "left_note"        // of a lab that is gone, or of what is over
	LeftReadyMade  Divergence = "left_ready_made"  // claimed and not taken, or not wanted any more
)

// Finding is one divergence, named and explained.
type Finding struct {
	What     Divergence `json:"what"`
	Cloud    string     `json:"cloud,omitempty"`
	Name     string     `json:"name"`
	ID       string     `json:"id,omitempty"`
	Lab      string     `json:"lab,omitempty"`
	Reason   Reason     `json:"reason,omitempty"` // what its learner is told
	Operator string     `json:"operator"`         // what an operator reads
	Heal     Tending    `json:"heal"`             // what tend-labs does about it; report: nothing
}

// Found is a thing of a cloud that is no stack.
type Found struct {
	Cloud, Name, ID string
	Created         time.Time // zero: unknown
	InUse           bool      // a floating IP that has a port
}

// Inventory is everything that the doctor looks at. What could not be listed whole must not be in it: of what is not there it
// says that it is gone.
type Inventory struct {
	Stacks      []Held
	KeyPairs    []Found
	FloatingIPs []Found
}

// Examine finds every divergence in the inventory. entry is the catalogue.
func Examine(in Inventory, entry func(key string) Entry, now time.Time) []Finding {
	owners := map[string][]Held{}
	for _, s := range in.Stacks {
		owners[BaseOf(s.Tags)] = append(owners[BaseOf(s.Tags)], s)
	}
	var findings []Finding
	for base, stacks := range owners {
		var home Home
		if base != "" {
			home = Gather(stacks, entry(Tagged(stacks[0].Tags, TagLab)), now)
		}
		for _, s := range stacks {
			e := entry(Tagged(s.Tags, TagLab))
			if e.Key == "" {
				e = Withdrawn(Tagged(s.Tags, TagLab))
			}
			if f, sick := s.examine(home, e, now); sick {
				findings = append(findings, f)
			}
		}
	}
	findings = append(findings, leftKeys(in, now)...)
	findings = append(findings, leftAddresses(in.FloatingIPs, now)...)
	slices.SortFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.Cloud, b.Cloud), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return findings
}

// examine says what is wrong with one stack, by what tend-labs would do with it.
func (h Held) examine(home Home, e Entry, now time.Time) (Finding, bool) {
	due := Tend(h, home, e, &Signals{Active: now}, now) // idle is no divergence
	f := Finding{Cloud: h.Cloud, Name: h.Name, ID: h.ID, Lab: Tagged(h.Tags, TagLab), Operator: due.Why + ".", Heal: due.Do}
	hung, since := h.hung(e)
	end := home.end(h, e)
	switch {
	case due.Do == TendSpare:
		f.What = Doubled
	case due.Do == TendNote:
		f.What = LeftNote
	case due.Do == TendClaimless, due.Do == TendRetire:
		f.What = LeftReadyMade
	case due.Do == TendReport && BaseOf(h.Tags) == "":
		f.What, f.Operator = Ownerless, "Its tags name no owner, so nobody can reach it and nothing deletes it. Delete it by hand if nobody needs it."
	case h.Kind() != "" || BaseOf(h.Tags) == "" || h.Stack.leaving():
		return f, false
	case !since.IsZero() && !now.Before(since):
		f.What, f.Reason = Stuck, BuildHung
		f.Operator = hung.Why + ": Heat began and never ended. Look at Heat's engine and at the last resource under way."
	case h.Stack.Status == "FAILED" && (h.Stack.loss() > 0 || !h.Stack.Usable()):
		d := Diagnose(h.Stack)
		f.What, f.Reason, f.Operator = BrokenLab, d.Reason, d.Operator
	case !end.IsZero() && now.After(end.Add(time.Hour)):
		f.What, f.Operator = ExpiredAlive, "Its time was over at "+end.UTC().Format(time.RFC3339)+". Nothing tends the labs, or Heat refuses: look at when tend-labs ran last."
	default:
		return f, false
	}
	return f, true
}

// claimPrefix begins the name of a key pair that claims a ready-made lab; the id of its stack follows, without dashes.
const claimPrefix = "stackhook-claim-"

// ClaimName is the name of the key pair that claims the ready-made lab of that id.
func ClaimName(id string) string { return claimPrefix + strings.ReplaceAll(id, "-", "") }

// ClaimOver says whether a claim made at made, of the ready-made lab s, is of no use any more: the lab has an owner, or it is
// gone (nil), and nobody who just claimed it can still be at it.
func ClaimOver(made time.Time, s *Held, now time.Time) bool {
	const inUse = 5 * time.Minute
	if s != nil && BaseOf(s.Tags) == "" && !s.Stack.leaving() {
		return false
	}
	return !made.IsZero() && !now.Before(made.Add(inUse))
}

// keyPattern is the name of a key pair that a lab's template makes: the stack's, and what Heat adds to it.
var keyPattern = regexp.MustCompile(`^((?:lab-[0-9a-f]{18}(?:-[0-9]+)?)|(?:warm-[a-z0-9_-]+-[0-9a-f]{8}))(?:-[A-Za-z0-9_]+-[a-z0-9]{12})?$`)

func leftKeys(in Inventory, now time.Time) []Finding {
	names, claims := map[string]bool{}, map[string]*Held{}
	for i, s := range in.Stacks {
		names[s.Cloud+" "+s.Name] = true
		claims[s.Cloud+" "+ClaimName(s.ID)] = &in.Stacks[i]
	}
	var findings []Finding
	for _, key := range in.KeyPairs {
		f := Finding{Cloud: key.Cloud, Name: key.Name, ID: key.ID}
		switch match := keyPattern.FindStringSubmatch(key.Name); {
		case strings.HasPrefix(key.Name, claimPrefix):
			if !ClaimOver(key.Created, claims[key.Cloud+" "+key.Name], now) {
				continue
			}
			f.What, f.Heal, f.Operator = LeftClaim, TendDelete, "The lab that it claimed is gone, or has its owner."
		case match != nil && !names[key.Cloud+" "+match[1]]:
			f.What, f.Heal, f.Operator = LeftKeyPair, TendReport, "Its stack "+match[1]+" is gone. Delete it by hand."
		default:
			continue
		}
		findings = append(findings, f)
	}
	return findings
}

// leftAddresses are the floating IPs that nobody uses. Nothing tells whose they are, so an operator decides.
func leftAddresses(addresses []Found, now time.Time) []Finding {
	var findings []Finding
	for _, a := range addresses {
		if !a.InUse && !a.Created.IsZero() && !now.Before(a.Created.Add(margin)) {
			findings = append(findings, Finding{
				What: LeftFloatingIP, Cloud: a.Cloud, Name: a.Name, ID: a.ID, Heal: TendReport, Operator: "It belongs to no port, and takes up quota. Release it if nobody keeps it on purpose.",
			})
		}
	}
	return findings
}
