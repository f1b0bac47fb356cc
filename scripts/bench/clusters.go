package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stackhook/stackhook/scripts/bench/report"
	"github.com/stackhook/stackhook/shared/openstack"
	"github.com/stackhook/stackhook/shared/openstack/openstacktest"
)

// smallCluster has what a pass looks at, and no machines: a thousand of them are made in no time.
const smallCluster = `
heat_template_version: 2018-08-31
parameters:
  app_count: {type: number, default: 2}
  app_removal: {type: json, default: []}
  scale_state: {type: string, default: ""}
  app_min: {type: number, default: 2}
  app_max: {type: number, default: 4}
  pool: {type: string, default: ""}
resources:
  v: {type: OS::Heat::Value, properties: {value: {get_param: app_count}}}
outputs:
  pool_id: {value: {get_param: pool}}
  nodes: {value: {"0": {server: s0, address: 10.0.0.1, member: m0}, "1": {server: s1, address: 10.0.0.2, member: m1}}}
`

// measureClusters has scale-cluster go round a thousand clusters that need nothing.
func measureClusters(ctx context.Context, b *bench) (report.Section, error) {
	n := b.times(1000, 10)
	s := report.Section{
		Title: "A round over all clusters",
		Note:  "POST /reconcile of scale-cluster over clusters that need nothing, by the time that each reply of OpenStack takes; at most eight calls at once.",
	}
	own, err := newStage(b.bin)
	if err != nil {
		return s, err
	}
	defer own.close()
	if err := own.site(ctx); err != nil {
		return s, err
	}
	if err := own.clusters(ctx, n); err != nil {
		return s, err
	}
	for _, delay := range []time.Duration{0, 50 * time.Millisecond} {
		own.cloud.ClearFaults()
		own.cloud.Inject(openstacktest.Fault{Latency: delay})
		row, err := own.round(ctx, n)
		if err != nil {
			return s, err
		}
		row.Name = fmt.Sprintf("%d clusters/%s", n, delay)
		s.Rows = append(s.Rows, row)
	}
	return s, nil
}

func clusterName(number int) string { return fmt.Sprintf("site-%04d", number) }

// clusters makes so many beside the site, whose pool they share.
func (s *stage) clusters(ctx context.Context, n int) error {
	members := s.cloud.Members()
	if len(members) == 0 {
		return errors.New("the site has no pool")
	}
	client, err := s.client()
	if err != nil {
		return err
	}
	for i := range n {
		_, err := client.CreateStack(ctx, openstack.NewStack{
			Name: clusterName(i), Template: smallCluster, Tags: []string{"stackhook", "site"}, Parameters: map[string]any{"pool": members[0].PoolID},
		})
		if err != nil {
			return fmt.Errorf("make cluster: %w", err)
		}
	}
	return nil
}

func (s *stage) round(ctx context.Context, n int) (report.Row, error) {
	i, err := s.serve(ctx, "scale-cluster")
	if err != nil {
		return report.Row{}, err
	}
	defer i.end()
	s.cloud.ResetCalls()
	begun := time.Now()
	a, err := i.ask(ctx, round)
	pass := time.Since(begun)
	if err == nil {
		err = a.good()
	}
	if err != nil {
		return report.Row{}, fmt.Errorf("reconcile: %w", err)
	}
	var told struct {
		Counts map[string]int
		Left   int
	}
	if err := json.Unmarshal([]byte(a.Body), &told); err != nil {
		return report.Row{}, fmt.Errorf("read report: %w", err)
	}
	if sum := total(told.Counts) + told.Left; sum < n {
		return report.Row{}, fmt.Errorf("the round saw %d clusters of %d: %s", sum, n, a.Body)
	}
	_, most, err := i.memory()
	if err != nil {
		return report.Row{}, err
	}
	return report.Row{Runs: 1, Figures: []report.Figure{
		took("round", "round-ns", pass), count("calls", len(s.cloud.Calls())), count("left for the next", told.Left), size("memory", most),
	}}, nil
}

func total(counts map[string]int) int {
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return sum
}
