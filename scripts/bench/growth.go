package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/stackhook/stackhook/scripts/bench/report"
	"github.com/stackhook/stackhook/shared/lab"
	"github.com/stackhook/stackhook/shared/openstack"
)

const (
	mostTending = 64_000_000 // bytes of memory of a pass over manyLabs
	manyLabs    = 10_000
	page        = 200 // stacks in one list
	ended       = 25  // labs whose time is over
)

const smallLab = `
heat_template_version: 2018-03-02
resources: {v: {type: OS::Heat::Value, properties: {value: a}}}
outputs: {v: {value: {get_attr: [v, value]}}}
`

// measureGrowth looks at ten labs, then at ten times as many, and so on, on one cloud.
func measureGrowth(ctx context.Context, b *bench) (report.Section, error) {
	s := report.Section{
		Title: "Growth with the number of labs",
		Note: fmt.Sprintf("A pass of tend-labs, and a new learner's launch, by processes that were just started. In the last row %d labs have ended and are deleted.\n"+
			"A pass may take a call for each page of %d labs, the list of those with several labs and the login; and for each deletion one that looks and one that writes.", ended, page),
	}
	own, err := newStage(b.bin)
	if err != nil {
		return s, err
	}
	defer own.close()
	client, err := own.client()
	if err != nil {
		return s, err
	}
	made := 0
	for n := 10; n <= b.times(manyLabs, 100); n *= 10 {
		if err := fill(ctx, client, made, n, 30*time.Hour); err != nil {
			return s, err
		}
		made = n
		row, err := own.growth(ctx, n, 0)
		if err != nil {
			return s, err
		}
		s.Rows = append(s.Rows, row)
	}
	if err := fill(ctx, client, made, made+ended, -time.Hour); err != nil {
		return s, err
	}
	row, err := own.growth(ctx, made+ended, ended)
	if err != nil {
		return s, err
	}
	row.Name += ", " + strconv.Itoa(ended) + " of them ended"
	s.Rows = append(s.Rows, row)
	return s, nil
}

func (s *stage) client() (*openstack.Cloud, error) {
	env := s.cloud.Env()
	client, err := openstack.New(openstack.Options{Getenv: func(name string) string { return env[name] }})
	if err != nil {
		return nil, fmt.Errorf("open cloud: %w", err)
	}
	return client, nil
}

// fill makes labs numbered from to to, with a lease that ends so long from now.
func fill(ctx context.Context, client *openstack.Cloud, from, to int, lease time.Duration) error {
	numbers := make(chan int)
	failed := make(chan error, 1)
	until := time.Now().Add(lease)
	var makers sync.WaitGroup
	for range 8 {
		makers.Go(func() {
			for i := range numbers {
				o := lab.Identity{Tenant: "academy", Context: "class", Lab: "web", Learner: strconv.Itoa(i)}.Hide([]byte(secret))
				_, err := client.CreateStack(ctx, openstack.NewStack{Name: o.Stack, Template: smallLab, Tags: lab.Lease{Until: until}.Retag(o.Tags())})
				if err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			}
		})
	}
	for i := from; i < to; i++ {
		numbers <- i
	}
	close(numbers)
	makers.Wait()
	select {
	case err := <-failed:
		return fmt.Errorf("make labs: %w", err)
	default:
		return nil
	}
}

// growth is one pass over so many labs, of which some are deleted, and one launch beside them.
func (s *stage) growth(ctx context.Context, labs, deleted int) (report.Row, error) {
	i, err := s.serve(ctx, "tend-labs")
	if err != nil {
		return report.Row{}, err
	}
	defer i.end()
	s.cloud.ResetCalls()
	begun := time.Now()
	a, err := i.ask(ctx, tend)
	pass := time.Since(begun)
	if err == nil {
		err = a.good()
	}
	if err != nil {
		return report.Row{}, fmt.Errorf("tend: %w", err)
	}
	calls := len(s.cloud.Calls())
	if err := tended(a, deleted); err != nil {
		return report.Row{}, err
	}
	_, most, err := i.memory()
	if err != nil {
		return report.Row{}, err
	}
	launched, err := s.launchAmong(ctx, labs)
	if err != nil {
		return report.Row{}, err
	}
	memory := size("memory", most)
	if labs >= manyLabs {
		memory = memory.AtMost(mostTending)
	}
	return report.Row{Name: strconv.Itoa(labs) + " labs", Runs: 1, Figures: []report.Figure{
		took("pass", "pass-ns", pass), count("calls", calls).AtMost(float64(labs/page + 1 + 2 + 2*deleted)), memory, took("launch", "launch-ns", launched),
	}}, nil
}

// tended says whether the pass did what was due and nothing else.
func tended(a answer, deleted int) error {
	var report struct {
		Counts map[string]int
		Failed int
		Left   int
	}
	if err := json.Unmarshal([]byte(a.Body), &report); err != nil {
		return fmt.Errorf("read report: %w", err)
	}
	if report.Counts["delete"] != deleted || report.Failed+report.Left != 0 {
		return fmt.Errorf("the pass deleted %d labs instead of %d: %s", report.Counts["delete"], deleted, a.Body)
	}
	return nil
}

// launchAmong is a newcomer's launch, the second of its process.
func (s *stage) launchAmong(ctx context.Context, labs int) (time.Duration, error) {
	i, err := s.serve(ctx, "launch-lab")
	if err != nil {
		return 0, err
	}
	defer i.end()
	var took time.Duration
	for number := range 2 {
		asked := launch(fmt.Sprintf("one-of-%d-%d", labs, number))
		begun := time.Now()
		a, err := i.ask(ctx, asked)
		if err == nil {
			err = a.good()
		}
		if err != nil {
			return 0, fmt.Errorf("launch: %w", err)
		}
		took = time.Since(begun)
	}
	return took, nil
}
