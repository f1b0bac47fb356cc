package cluster

import "fmt"

// strictly is the decision of who wants all of a step or nothing (F2): what would be less is not done.
func (d Decision) strictly(r Request) Decision {
	if !r.Strict || d.To == d.From || d.To == d.Asked {
		return d
	}
	reason := fmt.Sprintf("Nothing was changed, as only %s would do. Without strict: %s", nodes(d.Asked), d.Reason)
	d.To, d.Victims, d.Members, d.Patch = d.From, nil, nil, nil
	return d.say(Capped, 0, reason)
}
