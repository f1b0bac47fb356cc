package launchlab

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/lti/keyset"
)

// ownKeys are our keys, or nil without any: launches need none, only what we sign does.
func ownKeys(c config.ToolKeys) (*keyset.Own, error) {
	own, err := keyset.ParseOwn(c.Current.Reveal(), c.Next.Reveal(), c.Previous.Reveal())
	if errors.Is(err, keyset.ErrNoKeys) {
		return nil, nil //nolint:nilnil // no keys are a choice, and no fault
	}
	if err != nil {
		return nil, fmt.Errorf("set up lti.tool_keys: %w", err)
	}
	return own, nil
}

// keys is our key set (S09). Open edX fetches it with every token request, others keep it: five minutes are short beside the
// day that a key is published before it signs.
func (t *tool) keys(w http.ResponseWriter, _ *http.Request) {
	set := []byte(`{"keys":[]}`)
	if t.own != nil {
		set = t.own.JSON()
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(set) // the platform may have gone
}
