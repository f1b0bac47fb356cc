package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/stackhook/stackhook/scripts/bench/report"
)

func measureMemory(ctx context.Context, b *bench) (report.Section, error) {
	s := report.Section{
		Title: "Memory",
		Note:  "Of the process (resident set): after its first answer, and the most it had under load, the same request over 32 connections for three seconds.",
	}
	for _, scene := range b.stage.scenes() {
		row, err := b.memory(ctx, scene)
		if err != nil {
			return s, fmt.Errorf("%s: %w", scene.function, err)
		}
		s.Rows = append(s.Rows, row)
	}
	return s, nil
}

func (b *bench) memory(ctx context.Context, of scene) (report.Row, error) {
	i, err := b.stage.serve(ctx, of.function)
	if err != nil {
		return report.Row{}, err
	}
	defer i.end()
	first, err := i.ask(ctx, of.request(0))
	if err != nil {
		return report.Row{}, err
	}
	now, _, err := i.memory()
	if err != nil {
		return report.Row{}, err
	}
	pressed, status := of.request(1), first.Status
	if of.function == "launch-lab" { // a launch holds once
		pressed, status = refused(), forbidden
	}
	if of.function == "tend-labs" { // a pass at a time, and whoever comes meanwhile is told so
		pressed, status = request{Method: "GET", Path: "/nothing-here"}, http.StatusNotFound
	}
	lasts := time.Duration(b.times(3000, 100)) * time.Millisecond
	n, _, err := load{address: i.address, lines: 32, status: status, next: lasting(lasts, pressed)}.run(ctx)
	if err != nil {
		return report.Row{}, i.explained(err)
	}
	_, most, err := i.memory()
	if err != nil {
		return report.Row{}, err
	}
	return report.Row{Name: of.function, Runs: n, Figures: []report.Figure{size("first answer", now).AtMost(mostFirst), size("under load", most)}}, nil
}
