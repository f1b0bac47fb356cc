package main

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/stackhook/stackhook/shared/lab/roster"
)

// forecast is a preflight for a person.
func forecast(f roster.Forecast) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Lab %s, %d learners: room for %d of them.\n", f.Lab, f.Learners, f.Fits)
	if out := f.RunsOut; out != nil {
		fmt.Fprintf(&b, "Learner %d is the first without a lab: %s is short of %s.\n", out.Learner, named(out.Cloud), listed(out.Resources))
	}
	b.WriteString("\n")
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "CLOUD\tLABS\tFROM LEARNER\tWOULD TAKE\tTHEN SHORT OF\tA LAB TAKES, OF WHAT IS LEFT")
	for _, c := range f.Clouds {
		most, from := "any number", "-"
		if c.Fits != nil {
			most = strconv.Itoa(*c.Fits)
		}
		if c.First > 0 {
			from = strconv.Itoa(c.First)
		}
		if c.Trouble != "" {
			most = "unknown: " + c.Trouble
		}
		_, _ = fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\n", named(c.Cloud), c.Labs, from, most, listed(c.Short), amounts(c))
	}
	_ = t.Flush()
	return b.String()
}

// named is a cloud's name, or what stands for the one that has none.
func named(cloud string) string {
	if cloud == "" {
		return "the cloud"
	}
	return cloud
}

func listed(resources []roster.Resource) string {
	if len(resources) == 0 {
		return "-"
	}
	words := make([]string, len(resources))
	for i, r := range resources {
		words[i] = string(r)
	}
	return strings.Join(words, ", ")
}

// amounts are what is bounded.
func amounts(c roster.Share) string {
	var parts []string
	for _, r := range roster.Resources() {
		if left, bounded := c.Left[r]; bounded && c.Need[r] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d of %d", r, c.Need[r], left))
		}
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}

// outcome is a prebuild for a person.
func outcome(r roster.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Lab %s, %d learners. Labs begun now: %d, there before: %d.\n", r.Lab, r.Learners, r.Built, r.There)
	for _, c := range r.Clouds {
		if c.Built > 0 {
			fmt.Fprintf(&b, "  %s: %d\n", named(c.Cloud), c.Built)
		}
	}
	if r.Opens != nil {
		fmt.Fprintf(&b, "The course may use them from %s.\n", r.Opens.Format(time.RFC3339))
	}
	if r.Until != nil && r.Built > 0 {
		fmt.Fprintf(&b, "Those begun now live until %s unless their learners keep them.\n", r.Until.Format(time.RFC3339))
	}
	if r.Broken > 0 {
		fmt.Fprintf(&b, "Of those that were there, failed: %d. Reset them on the class page.\n", r.Broken)
	}
	if r.Leaving > 0 {
		fmt.Fprintf(&b, "Learners whose lab is being deleted: %d. Run this again in some minutes.\n", r.Leaving)
	}
	switch {
	case r.Full:
		fmt.Fprintf(&b, "Learners without a lab: %d. The clouds are full; the last is short of %s.\n", r.Left, listed(r.Short))
	case r.Left > 0:
		fmt.Fprintf(&b, "Learners without a lab yet: %d. Run this again, it goes on where it stopped.\n", r.Left)
	}
	return b.String()
}
