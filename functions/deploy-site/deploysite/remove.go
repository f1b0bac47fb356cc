package deploysite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/seal"
	"github.com/stackhook/stackhook/shared/site"
)

// confirmTime is how long a confirmation is good.
const confirmTime = 10 * time.Minute

// purposeConfirm is what confirmations are sealed for.
const purposeConfirm = "delete-site"

// confirmation is what a person was told before they said yes: it is good for this stack with these volumes alone.
type confirmation struct {
	Site    string   `json:"site"`
	Stack   string   `json:"stack"`
	Volumes []string `json:"volumes"`
}

// unconfirmed is the answer to a deletion that was not confirmed yet.
type unconfirmed struct {
	Name    string `json:"name"`
	Code    string `json:"code"` // confirm
	Reason  string `json:"reason"`
	Confirm string `json:"confirm"`
	Expires string `json:"expires"`
	// Volumes stay, with the data: one line for each.
	Volumes []string `json:"volumes"`
	// URL is what to send the second request to.
	URL string `json:"url"`
}

// Status implements the edge's optional interface.
func (unconfirmed) Status() int { return http.StatusConflict }

// remove deletes a site in two requests. The first is told what would stay, and gets a confirmation; the second brings it.
func (d *deployer) remove(ctx context.Context, r *http.Request, v visit) (any, error) {
	sealed := r.URL.Query().Get("confirm")
	var said confirmation
	if sealed != "" {
		if err := d.confirmed(sealed, v.name, &said); err != nil {
			return nil, err
		}
	}
	found, err := v.door.FindStack(ctx, v.name)
	if openstack.CodeOf(err) == openstack.Gone && said.Site != "" {
		d.remember(v, openstack.StackRef{})
		return d.say(ctx, v, answer{Code: "deleted", State: "deleted", Volumes: said.Volumes, Reason: "The site is not there any more; its volumes are.", status: http.StatusOK}), nil
	}
	if err != nil {
		return nil, noSiteIfGone(err)
	}
	if !have(found).Ours() {
		return nil, noSite(nil)
	}
	volumes, err := d.volumes(ctx, v, found.StackRef)
	if err != nil {
		return nil, err
	}
	switch {
	case found.Action == "DELETE" && found.Status != "FAILED":
		return d.deleting(ctx, v, volumes), nil
	case said.Site == "":
		return d.confirm(v, found.StackRef, volumes)
	case said.Stack != found.ID || !slices.Equal(said.Volumes, ids(volumes)):
		return nil, &function.Error{
			Code: "confirm", Status: http.StatusConflict,
			Public: "The site is another one than was confirmed: it was made anew, or its volumes are not the same. Delete without confirm first.",
		}
	}
	d.remember(v, openstack.StackRef{})
	if err := v.door.DeleteStack(ctx, found.StackRef); err != nil && openstack.CodeOf(err) != openstack.Gone {
		return nil, fmt.Errorf("delete site %s: %w", v.name, err)
	}
	return d.deleting(ctx, v, volumes), nil
}

func (d *deployer) deleting(ctx context.Context, v visit, volumes []site.Volume) answer {
	return d.say(ctx, v, answer{
		Code: "deleting", State: site.Deleting, Volumes: ids(volumes), status: http.StatusAccepted,
		Reason: "The site is being deleted. Its volumes stay; put a site of this name with backend.volumes: retained to take them over.",
	})
}

// confirmed reads a confirmation.
func (d *deployer) confirmed(sealed, name string, said *confirmation) error {
	err := d.box.Open(purposeConfirm, sealed, said, d.now())
	if err == nil && said.Site == name {
		return nil
	}
	public := "The confirmation is not one of ours for this site. Delete without confirm first."
	if errors.Is(err, seal.ErrExpired) {
		public = "The confirmation is too old. Delete without confirm first, for a new one."
	}
	return &function.Error{Code: "confirm", Status: http.StatusConflict, Public: public, Err: err}
}

// confirm tells what would stay.
func (d *deployer) confirm(v visit, ref openstack.StackRef, volumes []site.Volume) (any, error) {
	expires := d.now().Add(confirmTime)
	sealed, err := d.box.Seal(purposeConfirm, confirmation{Site: v.name, Stack: ref.ID, Volumes: ids(volumes)}, expires)
	if err != nil {
		return nil, fmt.Errorf("seal confirmation: %w", err)
	}
	out := unconfirmed{
		Name: v.name, Code: "confirm", Confirm: sealed, Expires: expires.UTC().Format(time.RFC3339), Volumes: []string{},
		URL: d.address(v.name) + "?confirm=" + sealed,
	}
	for _, volume := range volumes {
		out.Volumes = append(out.Volumes, volume.Line())
	}
	out.Reason = fmt.Sprintf("Nothing was deleted yet. The site's servers, addresses and load balancer would go; these %d volumes with its data would stay. "+
		"Send the request again with ?confirm= and the confirmation within ten minutes.", len(volumes))
	return out, nil
}

// volumes are those that are marked as this site's and those that it took over by id, in the order of their places.
func (d *deployer) volumes(ctx context.Context, v visit, ref openstack.StackRef) ([]site.Volume, error) {
	stack, err := v.door.StackParameters(ctx, ref)
	if err != nil && openstack.CodeOf(err) != openstack.Gone {
		return nil, fmt.Errorf("read site %s: %w", v.name, err)
	}
	found, err := v.door.Volumes(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("look for volumes of site %s: %w", v.name, err)
	}
	taken := slices.Collect(maps.Values(site.VolumesIn(stack.Parameters)))
	list := slices.DeleteFunc(volumesOf(found), func(volume site.Volume) bool {
		return volume.Site != v.name && !slices.Contains(taken, volume.ID)
	})
	slices.SortFunc(list, func(a, b site.Volume) int { return strings.Compare(a.Role+a.Index+a.ID, b.Role+b.Index+b.ID) })
	return list, nil
}

func ids(volumes []site.Volume) []string {
	list := make([]string, len(volumes))
	for i, v := range volumes {
		list[i] = v.ID
	}
	return list
}
