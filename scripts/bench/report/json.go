package report

import (
	"encoding/json"
	"io"
)

// JSON writes the report for programs.
func (r Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r) //nolint:wrapcheck // the writer's own
}
