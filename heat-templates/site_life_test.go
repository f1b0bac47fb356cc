package heattemplates_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// servers maps the site's servers, by name, to their ids.
func (f *fakeSite) servers() map[string]string {
	out := map[string]string{}
	for _, s := range f.fake.Servers() {
		out[s.Name] = s.ID
	}
	return out
}

// changed are the names whose servers are others in b than in a.
func changed(a, b map[string]string) []string {
	var out []string
	for name := range maps.Keys(b) {
		if a[name] != b[name] {
			out = append(out, name)
		}
	}
	for name := range maps.Keys(a) {
		if b[name] == "" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// TestRow7004OneBackendIsMadeAgain follows README.md's recipe: away, and back, with address and volumes and nothing else touched.
func TestRow7004OneBackendIsMadeAgain(t *testing.T) {
	t.Parallel()
	f := makeFakeSite(t, siteParameters())
	before, servers := f.read("CREATE_COMPLETE"), f.servers()
	away := f.patch(map[string]any{"backend_absent": "1"})
	if got := changed(servers, f.servers()); !slices.Equal(got, []string{"school-backend-1"}) {
		t.Errorf("%v changed", got)
	}
	if s, _ := f.fake.Stack("school"); s.Resources["backend/node_1/handle"] != "" || s.Resources["backend/port_1"] == "" || s.Resources["backend/made/mysql_1"] == "" {
		t.Error("a handle is left, or port or volume went")
	}
	if !reflect.DeepEqual(away.Outputs["volumes"], before.Outputs["volumes"]) {
		t.Errorf("volumes are %v", away.Outputs["volumes"])
	}
	// With another image, which the others do not take yet.
	kept := map[string]any{"image": "debian-12", "flavor": "m1.small"}
	back := f.patch(map[string]any{"backend_absent": "", "backend_image": "cirros", "backend_kept": map[string]any{"0": kept, "2": kept}})
	if got := changed(servers, f.servers()); !slices.Equal(got, []string{"school-backend-1"}) {
		t.Errorf("%v changed", got)
	}
	if !reflect.DeepEqual(back.Outputs["volumes"], before.Outputs["volumes"]) || !reflect.DeepEqual(back.Outputs["backend_addresses"], before.Outputs["backend_addresses"]) {
		t.Errorf("was %v, is %v", before.Outputs, back.Outputs)
	}
}

// TestFault8SettingsWaitForTheirTurn: nothing that is changed in passing makes machines anew.
func TestFault8SettingsWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	f := makeFakeSite(t, siteParameters(map[string]any{"app_count": 2}))
	servers := f.servers()
	f.patch(map[string]any{
		"release": "verawood", "settings": map[string]any{"A": 1}, "backup_hour": 5, "bootstrap": "2:t", "secrets": map[string]any{"mysql_password": "hunter2new"},
		"app_image": "cirros", "app_kept": map[string]any{"0": map[string]any{"image": "debian-12"}, "1": map[string]any{"image": "debian-12"}},
	})
	if got := changed(servers, f.servers()); len(got) != 0 {
		t.Errorf("%v were made anew", got)
	}
	// A new node has them; then an old one goes.
	f.patch(map[string]any{"app_count": 3})
	if env := userDataOf(t, f.fake.UserData("school-app-2"))["machine.sh"]; !strings.Contains(env, "RELEASE='verawood'") || !strings.Contains(env, "MYSQL_PASSWORD='hunter2new'") {
		t.Error("the new node has old settings")
	}
	f.patch(map[string]any{"app_count": 2, "app_removal": []string{"0"}})
	if got := changed(servers, f.servers()); !slices.Equal(got, []string{"school-app-0", "school-app-2"}) {
		t.Errorf("%v changed", got)
	}
}

// TestRow7113FailureTellsWhy: a machine's own reason is the stack's.
func TestRow7113FailureTellsWhy(t *testing.T) {
	t.Parallel()
	f := makeFakeSite(t, siteParameters(), openstacktest.SilentGuests())
	s := f.read("CREATE_FAILED")
	if !strings.Contains(s.Reason, "WaitConditionTimeout") || !strings.Contains(s.Reason, "node_") {
		t.Errorf("reason is %s", s.Reason)
	}
}

// TestRow7002VolumesOutliveTheSite: six are left, free and tagged, and a new site takes them by id.
func TestRow7002VolumesOutliveTheSite(t *testing.T) {
	t.Parallel()
	f := makeFakeSite(t, siteParameters())
	volumes, _ := f.read("CREATE_COMPLETE").Outputs["volumes"].(map[string]any)
	if got := slices.Sorted(maps.Keys(volumes)); !slices.Equal(got, volumeNames) {
		t.Fatalf("volumes are %v", got)
	}
	if err := f.cloud.DeleteStack(t.Context(), f.ref); err != nil {
		t.Fatal(err)
	}
	f.fake.Settle()
	if left := f.fake.Servers(); len(left) != 0 {
		t.Fatalf("%d servers are left", len(left))
	}
	f.ref = f.create("academy", siteParameters(map[string]any{"volumes": volumes}))
	s := f.read("CREATE_COMPLETE")
	if !reflect.DeepEqual(s.Outputs["volumes"], any(volumes)) {
		t.Errorf("volumes are %v, were %v", s.Outputs["volumes"], volumes)
	}
	if made, _ := f.fake.Stack("academy"); made.Resources["backend/made"] != "" {
		t.Error("volumes were made besides")
	}
	// A volume that is in use cannot be taken by a second site.
	f.ref = f.create("thief", siteParameters(map[string]any{"volumes": volumes}))
	if s := f.read("CREATE_FAILED"); !strings.Contains(s.Reason, "in-use") {
		t.Errorf("reason is %s", s.Reason)
	}
}

// TestRow7108ProgressIsTold: each node's steps are on the one handle that nothing waits for.
func TestRow7108ProgressIsTold(t *testing.T) {
	t.Parallel()
	f := makeFakeSite(t, siteParameters())
	f.read("CREATE_COMPLETE")
	told, err := f.cloud.Metadata(t.Context(), f.ref, "progress")
	if err != nil || len(told) != 4 {
		t.Fatalf("%v, %v", told, err)
	}
	for id, signal := range told {
		data, _ := signal.(map[string]any)["data"].(map[string]any)
		if role := fmt.Sprint(data["role"]); !strings.HasPrefix(id, role+"-") || data["step"] == nil {
			t.Errorf("%s says %v", id, signal)
		}
	}
}
