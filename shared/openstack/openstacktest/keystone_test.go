package openstacktest_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

func TestLogins(t *testing.T) {
	t.Parallel()
	fake := openstacktest.Start(t)
	for name, env := range map[string]map[string]string{"password": fake.Env(), "credential": fake.EnvCredential()} {
		if project, err := client(t, env).Project(t.Context()); err != nil || project != fake.ProjectID() {
			t.Errorf("%s: project %q, %v", name, project, err)
		}
	}
	env := fake.Env()
	env["OS_PASSWORD"] = "wrong"
	_, err := client(t, env).Project(t.Context())
	wantCode(t, err, openstack.Forbidden)
	foreign := fake.ForeignToken()
	if status, _ := call(t, fake, http.MethodGet, "/heat/v1/"+fake.ProjectID()+"/stacks", foreign, ""); status != http.StatusForbidden {
		t.Errorf("another project's token: %d, want 403", status)
	}
}

func TestTokensEnd(t *testing.T) {
	t.Parallel()
	fake, cloud := start(t, openstacktest.TokenLife(time.Hour))
	person := cloud.As(fake.Token())
	find := func(c *openstack.Cloud, want openstack.Code) {
		t.Helper()
		_, err := c.FindStack(t.Context(), "x")
		wantCode(t, err, want)
	}
	find(cloud, openstack.Gone)
	find(person, openstack.Gone)
	fake.RevokeTokens()
	fake.ResetCalls()
	find(cloud, openstack.Gone) // one new token
	if want := []string{"heat GET /stacks", "identity POST /auth/tokens", "heat GET /stacks"}; !slices.Equal(fake.CallNames(), want) {
		t.Errorf("calls are %q, want %q", fake.CallNames(), want)
	}
	find(person, openstack.Forbidden)
	fake.Advance(2 * time.Hour)
	find(cloud, openstack.Gone)
}
