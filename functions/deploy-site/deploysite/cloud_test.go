package deploysite_test

import (
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/openstack"
)

// client is somebody else's client of the same project.
func (h *house) client() *openstack.Cloud {
	h.t.Helper()
	cloud, err := openstack.New(openstack.Options{Getenv: config.Map(h.cloud.Env()).Getenv})
	if err != nil {
		h.t.Fatal(err)
	}
	return cloud
}

func count(n int) openstack.StackChange {
	return openstack.StackChange{Parameters: map[string]any{"app_count": n}}
}

// foreign makes a stack that is no site.
func (h *house) foreign(name string, tags []string) {
	h.t.Helper()
	_, err := h.client().CreateStack(h.t.Context(), openstack.NewStack{
		Name: name, Tags: tags, Template: "heat_template_version: 2018-08-31\nresources: {r: {type: OS::Heat::RandomString}}\n",
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.cloud.Settle()
}

// ref is the stack of the site academy.
func (h *house) ref() openstack.StackRef {
	h.t.Helper()
	s, err := h.client().FindStack(h.t.Context(), academy)
	if err != nil {
		h.t.Fatal(err)
	}
	return s.StackRef
}
