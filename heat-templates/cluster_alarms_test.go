package heattemplates_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	heattemplates "github.com/stackhook/stackhook/heat-templates"
	"github.com/stackhook/stackhook/shared/config"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// A cluster has the alarms that it was given addresses for, and they call in the states that they are to.
func TestClusterAlarms(t *testing.T) {
	t.Parallel()
	urls := map[string]any{"scale_out_url": "https://hooks.example.org/out", "scale_in_url": "https://hooks.example.org/in"}
	with := func(key string, value any) map[string]any {
		all := map[string]any{key: value}
		maps.Copy(all, urls)
		return all
	}
	const gnocchi, composite, health = "GnocchiAggregationByResourcesAlarm", "CompositeAlarm", "LBMemberHealthAlarm"
	const in, out = " https://hooks.example.org/in", " https://hooks.example.org/out"
	for name, row := range map[string]struct {
		parameters map[string]any
		want       []string // type, then what is called: while it fires, while it does not, while it knows nothing
	}{
		"none":     {nil, nil},
		"two":      {urls, []string{gnocchi + in + " - -", gnocchi + out + " - -"}},
		"ticks":    {with("alarm_ticks", true), []string{gnocchi + in + in + in, gnocchi + out + out + out}},
		"health":   {with("replace_url", "https://hooks.example.org/replace"), []string{gnocchi + in + " - -", gnocchi + out + " - -", health + " https://hooks.example.org/replace - -"}},
		"either":   {with("alarm_second_metric", "memory.usage"), []string{composite + out + " - -", gnocchi + in + " - -"}},
		"one only": {map[string]any{"scale_in_url": urls["scale_in_url"], "alarm_second_metric": "memory.usage"}, []string{gnocchi + in + " - -"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := openstacktest.Start(t)
			cloud, err := openstack.New(openstack.Options{Getenv: config.Map(fake.Env()).Getenv})
			if err != nil {
				t.Fatal(err)
			}
			template, err := heattemplates.Load("cluster.yaml")
			if err != nil {
				t.Fatal(err)
			}
			parameters := map[string]any{"image": "debian-12", "flavor": "m1.small"}
			maps.Copy(parameters, row.parameters)
			ref, err := cloud.CreateStack(t.Context(), openstack.NewStack{Name: "alarmed", Template: template.Text, Files: template.Files, Parameters: parameters})
			if err != nil {
				t.Fatal(err)
			}
			fake.Advance(10 * time.Minute)
			if s, err := cloud.Stack(t.Context(), ref); err != nil || s.State() != "CREATE_COMPLETE" {
				t.Fatalf("%s %s: %v", s.State(), s.Reason, err)
			}
			var got []string
			for _, a := range fake.Alarms() {
				got = append(got, fmt.Sprint(a.Type, called(a.AlarmActions), called(a.OKActions), called(a.InsufficientDataAction)))
			}
			slices.Sort(got)
			if !slices.Equal(got, row.want) {
				t.Errorf("alarms %q\nwant   %q", got, row.want)
			}
		})
	}
}

func called(list []string) string {
	if len(list) != 1 {
		return " -"
	}
	return " " + list[0]
}
