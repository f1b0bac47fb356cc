package keyset

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Report is what somebody who looks after a platform wants to know of its key set.
type Report struct {
	Usable int
	Unfit  []string // which keys are of no use, and why
	// Date is the platform's clock; zero if it does not tell.
	Date time.Time
}

// Inspect fetches the key set at url now, past all caches, and says what of it is fit for one of algs.
func Inspect(ctx context.Context, client *http.Client, url string, algs []string) (Report, error) {
	keys, header, err := fetch(ctx, guarded(client), url)
	if err != nil {
		return Report{}, err
	}
	var r Report
	for _, m := range keys {
		if why := m.whyAny(algs); why != "" {
			r.Unfit = append(r.Unfit, fmt.Sprintf("key %.40q: %s", m.id, why))
		} else {
			r.Usable++
		}
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		r.Date = date.Add(age(header))
	}
	return r, nil
}

// whyAny says why m is fit for none of algs; "" if it is for one.
func (m member) whyAny(algs []string) string {
	if m.id == "" && m.unfit == "" {
		return "it has no kid"
	}
	if slices.ContainsFunc(algs, func(alg string) bool { return m.why(alg) == "" }) {
		return ""
	}
	if m.unfit != "" {
		return m.unfit
	}
	return "it is for " + m.alg + ", which the registration does not allow"
}
