package site

import (
	"cmp"
	"slices"
)

// Leftover is a volume with a site's data that no site uses.
type Leftover struct {
	ID     string `json:"id"`
	Site   string `json:"site"`
	Place  string `json:"place,omitempty"` // mysql-0 to mongodb-2
	SizeGB int    `json:"size_gb"`
	Status string `json:"status"`
	Why    string `json:"why"`
}

// Leftovers are the volumes marked as a site's that nobody uses: their site is gone, or runs without them. Sites says of
// each that there is whether it is at rest: of one that is not, nothing is said.
func Leftovers(all []Volume, sites map[string]bool) []Leftover {
	list := []Leftover{}
	for _, v := range all {
		resting, there := sites[v.Site]
		why := ""
		switch {
		case v.Site == "" || v.Status == "in-use":
		case !there:
			why = "There is no site of this name. A new one takes the volumes over with backend.volumes: retained."
		case resting:
			why = "The site runs without it."
		}
		if why != "" {
			list = append(list, Leftover{v.ID, v.Site, v.key(), v.SizeGB, v.Status, why})
		}
	}
	slices.SortFunc(list, func(a, b Leftover) int {
		return cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.Place, b.Place), cmp.Compare(a.ID, b.ID))
	})
	return list
}
