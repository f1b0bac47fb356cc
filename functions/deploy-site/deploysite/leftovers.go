package deploysite

import (
	"context"
	"fmt"
	"net/http"

	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/site"
)

// remains is what sites have left behind.
type remains struct {
	Volumes []site.Leftover `json:"volumes"`
	SizeGB  int             `json:"size_gb"`
	// Commands are what would delete them. Nothing here ever does.
	Commands []string `json:"commands"`
	Reason   string   `json:"reason"`
}

// leftovers tells which volumes with data no site uses any more, by their metadata. It is a dry run without an end: volumes
// are the one thing that this function never deletes, so it says how, and leaves it to a person.
func (d *deployer) leftovers(ctx context.Context, _ *http.Request, v visit) (any, error) {
	sites := map[string]bool{}
	for stack, err := range v.door.Stacks(ctx, site.TagOurs, site.TagSite) {
		if err != nil {
			return nil, fmt.Errorf("list sites: %w", err)
		}
		sites[stack.Name] = resting(stack)
	}
	found, err := v.door.Volumes(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("list volumes: %w", err)
	}
	out := remains{Volumes: site.Leftovers(volumesOf(found), sites), Commands: []string{}, Reason: "No site has left a volume behind."}
	for _, volume := range out.Volumes {
		out.SizeGB += volume.SizeGB
		out.Commands = append(out.Commands, "openstack volume delete "+volume.ID)
	}
	if n := len(out.Volumes); n > 0 {
		out.Reason = fmt.Sprintf("Nothing was deleted. %d volumes with data are in use by no site. Delete those that nobody will want again by the commands.", n)
	}
	return out, nil
}

// resting says that a site has all its volumes attached that it will: a node that is rolled is away for a while.
func resting(stack openstack.Stack) bool {
	return stack.Status == "COMPLETE" && (stack.Action == "CREATE" || stack.Action == "UPDATE")
}
