package deploysite

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/stackhook/stackhook/shared/function"
	"github.com/stackhook/stackhook/shared/site"
)

// purposeExport is what exports are signed for.
const purposeExport = "site-export"

// exported is the answer to GET export, and what POST import takes.
type exported struct {
	Site site.Export `json:"site"`
	// Signature is over Site as JSON without blanks, in the order of its fields, by one of the seal keys.
	Signature string `json:"signature"`
}

// export gives all that makes a site, signed, and none of its secrets.
func (d *deployer) export(ctx context.Context, _ *http.Request, v visit) (any, error) {
	stack, err := d.read(ctx, v)
	if err != nil {
		return nil, err
	}
	e := site.ExportOf(v.name, have(stack), recordOf(stack).Volumes)
	e.Stack, e.Exported = stack.ID, d.now().UTC().Format(time.RFC3339)
	text, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode export of site %s: %w", v.name, err)
	}
	return exported{e, d.box.Sign(purposeExport, string(text))}, nil
}

// importBody is what POST import takes.
type importBody struct {
	Export exported `json:"export"`
	// Volumes is retained for the exported site's own volumes, or new, which is also what is meant without it.
	Volumes string `json:"volumes" validate:"omitempty,oneof=retained new"`
	// Storage are the keys of the object store, for a site that has one: an export has no secrets.
	Storage *newKeys `json:"storage"`
}

// imported makes a site of an export, as a PUT of the same would: with the volumes that it had, or with new ones.
func (d *deployer) imported(ctx context.Context, r *http.Request, v visit) (any, error) {
	var body importBody
	if err := function.Decode(r, &body); err != nil {
		return nil, err //nolint:wrapcheck // it is the answer
	}
	text, err := json.Marshal(body.Export.Site)
	if err != nil || !d.box.Verify(purposeExport, string(text), body.Export.Signature) {
		return nil, &function.Error{
			Code: "signature", Status: http.StatusUnprocessableEntity, Err: err,
			Public: "The export is not as it was signed, or was signed with keys that are not used here any more. Export the site again, and send it as it is.",
		}
	}
	spec := body.Export.Site.Spec().Fill(d.defaults)
	if body.Storage != nil {
		spec.Storage.AccessKey, spec.Storage.SecretKey = body.Storage.AccessKey, body.Storage.SecretKey
	}
	if body.Volumes == "retained" {
		spec.Backend.Volumes.IDs = body.Export.Site.Volumes
	}
	if faults := append(body.Export.Site.Faults(), site.Check(spec)...); len(faults) > 0 {
		return nil, invalid(faults)
	}
	ref, there, err := d.find(ctx, v)
	switch {
	case err != nil:
		return nil, err
	case there:
		return d.again(ctx, v, ref, d.want(v.name, spec), d.ask(v))
	}
	return d.create(ctx, v, d.want(v.name, spec))
}
