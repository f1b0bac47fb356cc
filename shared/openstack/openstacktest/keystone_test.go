package openstacktest_test

import (
	"encoding/json"
	"fmt"
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

// A machine logs in as the user that Heat made for its wait handle, and no other way.
func TestAMachineLogsInToSignal(t *testing.T) {
	t.Parallel()
	fake, cloud := start(t)
	ref := create(t, cloud, openstack.NewStack{Name: "handle", Template: `
heat_template_version: 2018-03-02
resources:
  handle: {type: OS::Heat::WaitConditionHandle, properties: {signal_transport: HEAT_SIGNAL}}
outputs:
  signal: {value: {get_attr: [handle, signal]}}
`})
	fake.Settle()
	var details struct {
		UserID    string `json:"user_id"`
		ProjectID string `json:"project_id"`
		Password  string `json:"password"`
	}
	text, _ := wantState(t, cloud, ref, "CREATE_COMPLETE").Outputs["signal"].(string)
	if err := json.Unmarshal([]byte(text), &details); err != nil {
		t.Fatal(err)
	}
	login := func(user, password, project string) int {
		status, _ := call(t, fake, http.MethodPost, "/identity/v3/auth/tokens", "", fmt.Sprintf(`{"auth": {"identity": {"methods": ["password"],
			"password": {"user": {"id": %q, "password": %q}}}, "scope": {"project": {"id": %q}}}}`, user, password, project))
		return status
	}
	for name, row := range map[string]struct {
		user, password, project string
		want                    int
	}{
		"its own":           {details.UserID, details.Password, details.ProjectID, http.StatusCreated},
		"wrong password":    {details.UserID, "wrong", details.ProjectID, http.StatusUnauthorized},
		"no user":           {"", details.Password, details.ProjectID, http.StatusUnauthorized},
		"another's project": {details.UserID, details.Password, "other", http.StatusUnauthorized},
	} {
		if got := login(row.user, row.password, row.project); got != row.want {
			t.Errorf("%s: %d, not %d", name, got, row.want)
		}
	}
}
