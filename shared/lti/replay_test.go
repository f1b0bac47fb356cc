package lti_test

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/lti"
)

func TestA10_Timestamp(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) lti.Request {
		return request(launch().With("oauth_timestamp", strconv.FormatInt(now.Add(d).Unix(), 10)))
	}
	refused(t, at(-301*time.Second), lti.CodeStale)
	refused(t, at(-48*time.Hour), lti.CodeStale)
	refused(t, at(301*time.Second), lti.CodeFuture)
	accepted(t, at(-300*time.Second))
	accepted(t, at(300*time.Second))
	for _, text := range []string{"-1", "1e9", "1637567400.5", " 1637567400", "0x61", "+1637567400", "１６３７", "99999999999999999999999"} {
		refused(t, request(launch().With("oauth_timestamp", text)), lti.CodeTimestamp)
	}
	refused(t, request(launch().With("oauth_timestamp", "9223372036854775807")), lti.CodeFuture)
	refused(t, request(launch().With("oauth_timestamp", "0")), lti.CodeStale)
}

func TestA10_WindowOfItsOwn(t *testing.T) {
	t.Parallel()
	v := verifier(&seen{})
	v.Window = time.Minute
	for age, want := range map[time.Duration]bool{60 * time.Second: true, 61 * time.Second: false} {
		_, err := v.Verify(t.Context(), request(launch().With("oauth_timestamp", strconv.FormatInt(now.Add(-age).Unix(), 10))))
		if (err == nil) != want {
			t.Errorf("%s old: %v", age, err)
		}
	}
}

func TestA11_ReplayedNonce(t *testing.T) {
	t.Parallel()
	store := &seen{}
	v := verifier(store)
	r := request(launch())
	if _, err := v.Verify(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	_, err := v.Verify(t.Context(), r)
	fault, ok := errors.AsType[*lti.Error](err)
	if !ok || fault.Code != lti.CodeReplayed || fault.Status != 409 || !strings.Contains(fault.Public, "from your course") {
		t.Errorf("got %v, want %s", err, lti.CodeReplayed)
	}
	for _, ttl := range store.keys {
		if ttl < 10*time.Minute {
			t.Errorf("nonces are kept for %s, shorter than the window is wide", ttl)
		}
	}
	if _, err := v.Verify(t.Context(), request(launch())); err != nil {
		t.Errorf("another launch in the same second: %v", err)
	}
}

func TestA11_OneOfManyReplaysWins(t *testing.T) {
	t.Parallel()
	v, r := verifier(&seen{}), request(launch())
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 100 {
		wg.Go(func() {
			if _, err := v.Verify(t.Context(), r); err == nil {
				mu.Lock()
				won++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d of 100 replays were accepted, want 1", won)
	}
}

func TestA11_NoncePartsCannotBeShifted(t *testing.T) {
	t.Parallel()
	store := &seen{}
	v := verifier(store)
	for _, nonce := range []string{"1x", "x", strings.Repeat("n", 16<<10)} {
		if _, err := v.Verify(t.Context(), request(launch().With("oauth_nonce", nonce))); err != nil {
			t.Errorf("nonce %.10q: %v", nonce, err)
		}
	}
	for stored := range store.keys {
		if len(stored) > 100 {
			t.Errorf("a key of the store has %d bytes", len(stored))
		}
	}
}

func TestA11_StoreDown(t *testing.T) {
	t.Parallel()
	cause := errors.New("connection refused by redis at 10.0.0.5")
	_, err := verifier(&seen{err: cause}).Verify(t.Context(), request(launch()))
	fault, ok := errors.AsType[*lti.Error](err)
	if !ok || fault.Code != lti.CodeUnavailable || fault.Status != 503 || !errors.Is(err, cause) {
		t.Errorf("got %v, want %s", err, lti.CodeUnavailable)
	}
	if strings.Contains(fault.Public, "redis") {
		t.Errorf("the cause is shown: %q", fault.Public)
	}
}

func TestA18_TwoLaunchesInOneSecond(t *testing.T) {
	t.Parallel()
	v := verifier(&seen{})
	for range 2 {
		if _, err := v.Verify(t.Context(), request(launch())); err != nil {
			t.Error(err)
		}
	}
}
