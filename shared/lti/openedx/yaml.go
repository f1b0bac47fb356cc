package openedx

import (
	"bytes"
	"errors"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/stackhook/stackhook/shared/config"
)

// ConsumerYAML is a consumer as one entry of lti.consumers, with its secret.
func ConsumerYAML(c config.Consumer) string {
	type entry struct {
		Key            string   `yaml:"key"`
		Secret         string   `yaml:"secret"` // config.Secret does not print
		Tenant         string   `yaml:"tenant,omitempty"`
		Labs           []string `yaml:"labs"`
		FrameAncestors []string `yaml:"frame_ancestors"`
		Instructors    bool     `yaml:"instructors"`
	}
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	err := encoder.Encode([]entry{{c.Key, c.Secret.Reveal(), c.Tenant, c.Labs, c.FrameAncestors, c.Instructors}})
	if err := errors.Join(err, encoder.Close()); err != nil {
		panic("write consumer: " + err.Error()) // a buffer takes everything
	}
	return text.String()
}

// Section is an entry in its place: below lti and the list that it belongs to.
func Section(list, entry string) string {
	const indent = "    "
	return "lti:\n  " + list + ":\n" + indent + strings.ReplaceAll(strings.TrimRight(entry, "\n"), "\n", "\n"+indent) + "\n"
}
