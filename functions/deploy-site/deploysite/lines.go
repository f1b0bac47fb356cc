package deploysite

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// lines writes a site for a terminal: what it is at, then a line for each step, each node and each volume. Tools may rely on
// the first line alone, which is "<name> <state> <percent>%".
func (o view) lines(w http.ResponseWriter) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %d%%\n", o.Name, o.State, o.Percent)
	fmt.Fprintf(&b, "  %s\n", o.Reason)
	for _, step := range o.Steps {
		fmt.Fprintf(&b, "  %-8s %s\n", step.State, step.Title)
	}
	for _, r := range o.Reports {
		mark := ""
		if r.Failed {
			mark = " FAILED"
		}
		fmt.Fprintf(&b, "  %s%s %s\n", r.At.Format("15:04:05"), mark, r.Reason)
		for _, line := range r.Last {
			fmt.Fprintf(&b, "           | %s\n", line)
		}
	}
	for _, f := range o.Failures {
		fmt.Fprintf(&b, "  FAILED   %s: %s\n", f.Node, f.Reason)
		for _, line := range f.Last {
			fmt.Fprintf(&b, "           | %s\n", line)
		}
	}
	for _, node := range o.Rolling {
		fmt.Fprintf(&b, "  to roll  %s\n", node)
	}
	if o.Address != "" {
		fmt.Fprintf(&b, "  address  %s for %s\n  open     %s\n", o.Address, strings.Join(o.Hosts, " "), o.URL)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, b.String()) // the caller may have gone
}
