//go:build integration

package heattemplates_test

import (
	"os"
	"strings"
	"testing"
	"time"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/openstack"
)

// A real Heat takes every template, with the files we give it and no others.
func TestContractRealTemplates(t *testing.T) {
	t.Parallel()
	cloud, err := openstack.New(openstack.Options{Getenv: os.Getenv, Timeout: time.Minute})
	if err != nil {
		t.Fatalf("no cloud to test on: set OS_CLOUD, or OS_AUTH_URL and the other OS_* variables: %v", err)
	}
	for _, name := range tree(t) {
		if strings.HasPrefix(name, "site-") {
			continue // its conditions want its parent's parameters: TestRealRowsVariants has it looked at in its place
		}
		template, err := heattemplates.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := cloud.ValidateTemplate(t.Context(), template.Text, template.Files); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
