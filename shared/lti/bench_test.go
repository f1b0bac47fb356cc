package lti_test

import (
	"context"
	"testing"
	"time"
)

// always is a store to which every nonce is new.
type always struct{}

func (always) First(context.Context, string, time.Duration) (bool, error) { return true, nil }

func BenchmarkVerify11(b *testing.B) {
	v, r := verifier(nil), request(launch())
	v.Seen = always{}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerify13 is the platform's answer: state, token, claims.
func BenchmarkVerify13(b *testing.B) {
	v := begin(b, link())
	v.tool.Seen = always{}
	r := posted(v.form())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.finish(b.Context(), r, v.login.Secret); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLogin(b *testing.B) {
	one, r := tool(b, nil, nil), initiation(lms(), link())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := one.Login(r); err != nil {
			b.Fatal(err)
		}
	}
}

// A flood of answers without a state of ours costs no more than opening it.
func BenchmarkForgedState(b *testing.B) {
	v := begin(b, link())
	form := v.form()
	form.Set("state", "2026-11."+v.login.ID)
	r := posted(form)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.tool.Answer(r); err == nil {
			b.Fatal("a forged state is taken for ours")
		}
	}
}
