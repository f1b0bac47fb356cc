package main

import (
	"context"
	"os"
	"os/exec"
	gort "runtime"
	"strings"
	"time"

	"github.com/stackhook/stackhook/scripts/bench/report"
)

// machine is where this run is made. What cannot be found out is left as unknown: it decides nothing.
func machine(ctx context.Context, program string) report.Machine {
	version := "unknown"
	if text, err := exec.CommandContext(ctx, program, "-version").Output(); err == nil {
		if fields := strings.Fields(string(text)); len(fields) > 1 {
			version = fields[1]
		}
	}
	return report.Machine{
		When: time.Now().UTC().Format(time.RFC3339), CPU: processorName(), Cores: gort.NumCPU(), Load: loadNow(), Go: gort.Version(), Version: version,
	}
}

func processorName() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

// loadNow is the load of the last minute.
func loadNow() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
