package seal_test

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stackhook/stackhook/shared/seal"
)

type ticket struct {
	Stack string `json:"stack"`
	Times int    `json:"times"`
}

var (
	newest = seal.Key{ID: "2026-11", Secret: []byte(strings.Repeat("n", 32))}
	older  = seal.Key{ID: "2026.05", Secret: []byte(strings.Repeat("o", 32))}
	now    = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
)

func box(tb testing.TB, keys ...seal.Key) *seal.Box {
	tb.Helper()
	b, err := seal.New(keys...)
	if err != nil {
		tb.Fatalf("New: %v", err)
	}
	return b
}

func sealed(tb testing.TB, b *seal.Box, purpose string) string {
	tb.Helper()
	s, err := b.Seal(purpose, ticket{"lab-1f", 3}, now.Add(time.Hour))
	if err != nil {
		tb.Fatalf("Seal: %v", err)
	}
	return s
}

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	b := box(t, newest, older)
	s := sealed(t, b, "lab")
	if strings.ContainsAny(s, "+/=&?#% ") || !strings.HasPrefix(s, "2026-11.") {
		t.Errorf("%q is not URL-safe with the newest key's id in front", s)
	}
	if strings.Contains(s, "lab-1f") || s == sealed(t, b, "lab") {
		t.Error("a sealed value is readable, or two are alike")
	}
	var got ticket
	if err := b.Open("lab", s, &got, now); err != nil || got != (ticket{"lab-1f", 3}) {
		t.Errorf("Open gave %+v, %v", got, err)
	}
	fromOlder := sealed(t, box(t, older), "lab")
	if err := b.Open("lab", fromOlder, &got, now); err != nil {
		t.Errorf("the older live key does not open: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	b := box(t, newest, older)
	good := sealed(t, b, "lab")
	id, body, _ := strings.Cut(good, ".")
	stranger := seal.Key{ID: newest.ID, Secret: []byte(strings.Repeat("x", 32))}
	for name, c := range map[string]struct {
		purpose, sealed string
		at              time.Time
		want            error
	}{
		"wrong key of the same id": {"lab", sealed(t, box(t, stranger), "lab"), now, seal.ErrInvalid},
		"unknown key id":           {"lab", "2020-01." + body, now, seal.ErrInvalid},
		"another live key's id":    {"lab", older.ID + "." + body, now, seal.ErrInvalid},
		"other purpose":            {"state", good, now, seal.ErrInvalid},
		"expired":                  {"lab", good, now.Add(time.Hour), seal.ErrExpired},
		"long expired":             {"lab", good, now.Add(1000 * time.Hour), seal.ErrExpired},
		"empty":                    {"lab", "", now, seal.ErrInvalid},
		"id alone":                 {"lab", id + ".", now, seal.ErrInvalid},
		"no id":                    {"lab", body, now, seal.ErrInvalid},
		"not base64":               {"lab", id + ".***", now, seal.ErrInvalid},
		"a line break inside":      {"lab", good[:20] + "\n" + good[20:], now, seal.ErrInvalid},
		"a signature":              {"lab", id + "." + b.Sign("lab", "text"), now, seal.ErrInvalid},
		"with something behind":    {"lab", good + "AAAA", now, seal.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ticket{"untouched", 1}
			if err := b.Open(c.purpose, c.sealed, &got, c.at); !errors.Is(err, c.want) {
				t.Errorf("Open gave %v, want %v", err, c.want)
			}
			if got.Stack != "untouched" {
				t.Errorf("a refused value was decoded: %+v", got)
			}
		})
	}
}

func TestEveryCutAndEveryFlipIsRefused(t *testing.T) {
	t.Parallel()
	b := box(t, newest)
	good := sealed(t, b, "lab")
	for i := range good {
		if err := b.Open("lab", good[:i], &ticket{}, now); !errors.Is(err, seal.ErrInvalid) {
			t.Fatalf("cut after %d of %d characters: %v", i, len(good), err)
		}
		for bit := range 8 {
			flipped := []byte(good)
			flipped[i] ^= 1 << bit
			if err := b.Open("lab", string(flipped), &ticket{}, now); !errors.Is(err, seal.ErrInvalid) {
				t.Fatalf("bit %d of character %d flipped: %v", bit, i, err)
			}
		}
	}
}

func TestSign(t *testing.T) {
	t.Parallel()
	b, rotated, old := box(t, newest, older), box(t, older), box(t, older)
	sig := b.Sign("scale", "academy/out")
	if sig != b.Sign("scale", "academy/out") {
		t.Error("the same text has two signatures")
	}
	if !b.Verify("scale", "academy/out", sig) || !b.Verify("scale", "academy/out", old.Sign("scale", "academy/out")) {
		t.Error("a live key's signature is refused")
	}
	for name, ok := range map[string]bool{
		"other text":    b.Verify("scale", "academy/in", sig),
		"other purpose": b.Verify("lab", "academy/out", sig),
		"retired key":   rotated.Verify("scale", "academy/out", sig),
		"cut":           b.Verify("scale", "academy/out", sig[:len(sig)-1]),
		"empty":         b.Verify("scale", "academy/out", ""),
		"line break":    b.Verify("scale", "academy/out", sig+"\n"),
		"purpose moved": b.Verify("scal", "eacademy/out", sig),
	} {
		if ok {
			t.Errorf("%s: verified", name)
		}
	}
	// Signed URLs stand in alarms for years: this one must come out the same in every later version.
	if want := "eq-VWW1Yl2Go8mctffYigMnBxFRk8nYQ8gq2OCAr7m0"; sig != want {
		t.Errorf("the signature is %q, want %q", sig, want)
	}
}

// What is kept of one purpose or key is never taken for another's, in whatever order they come, nor when there are more
// purposes than are kept.
func TestPurposesAndKeysStayApart(t *testing.T) {
	t.Parallel()
	boxes := []*seal.Box{box(t, newest, older), box(t, older, newest), box(t, seal.Key{ID: newest.ID, Secret: []byte(strings.Repeat("x", 32))})}
	type made struct {
		box                        int
		purpose, sealed, signature string
	}
	var all []made
	for range 2 { // made, and kept
		for n := range 40 {
			for i, b := range boxes {
				purpose := "purpose " + strconv.Itoa(n)
				all = append(all, made{i, purpose, sealed(t, b, purpose), b.Sign(purpose, "text")})
			}
		}
	}
	family := func(i int) bool { return i < 2 } // the first two have the same keys
	for n, one := range all {
		for _, other := range []made{all[(n+1)%len(all)], all[(n+2)%len(all)], all[(n+3)%len(all)], all[(n+len(all)/2)%len(all)]} {
			want := one.purpose == other.purpose && family(one.box) == family(other.box)
			var got ticket
			err := boxes[other.box].Open(other.purpose, one.sealed, &got, now)
			if (err == nil) != want || err != nil && !errors.Is(err, seal.ErrInvalid) {
				t.Fatalf("box %d, %s: opened by box %d for %s: %v", one.box, one.purpose, other.box, other.purpose, err)
			}
			if boxes[other.box].Verify(other.purpose, "text", one.signature) != want {
				t.Fatalf("box %d, %s: verified by box %d for %s: %v", one.box, one.purpose, other.box, other.purpose, !want)
			}
		}
	}
}

// A page may be open while its server is exchanged for a later version: what was sealed once has to open in all of them.
func TestOpensWhatWasSealedLongAgo(t *testing.T) {
	t.Parallel()
	const old = "2026-11.9XJ0MevCKTBqa2wzo-93siJvygJLeODzTZZ8HJrZGjve2bsRofl-rMN4N1C0lxXI5VApKJurZRMfwcl38JfNqQ"
	var got ticket
	if err := box(t, newest).Open("lab", old, &got, now); err != nil || got != (ticket{"lab-1f", 3}) {
		t.Errorf("Open gave %+v, %v", got, err)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	b := box(t, newest)
	good, signature := sealed(t, box(t, newest), "lab"), box(t, newest).Sign("lab", "text")
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			var got ticket
			if err := b.Open("lab", good, &got, now); err != nil || !b.Verify("lab", "text", signature) {
				t.Errorf("refused: %v", err)
			}
		})
	}
	all.Wait()
}

func BenchmarkOpen(b *testing.B) {
	one := box(b, newest, older)
	good := sealed(b, one, "lab")
	b.ReportAllocs()
	for b.Loop() {
		var got ticket
		if err := one.Open("lab", good, &got, now); err != nil {
			b.Fatal(err)
		}
	}
}

func TestSealRefusals(t *testing.T) {
	t.Parallel()
	b := box(t, newest)
	if _, err := b.Seal("lab", ticket{}, time.Time{}); err == nil {
		t.Error("sealed without an expiry")
	}
	if _, err := b.Seal("lab", func() {}, now); err == nil {
		t.Error("sealed a function")
	}
	s, err := b.Seal("lab", "text", now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	var number int
	if err := b.Open("lab", s, &number, now); err == nil || errors.Is(err, seal.ErrInvalid) {
		t.Errorf("a text opened into a number: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][]seal.Key{
		"no key":       {},
		"short secret": {{ID: "a", Secret: []byte("short")}},
		"no id":        {{ID: "", Secret: newest.Secret}},
		"odd id":       {{ID: "a b", Secret: newest.Secret}},
		"same id":      {newest, {ID: newest.ID, Secret: older.Secret}},
	} {
		if _, err := seal.New(keys...); err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "short\"") || strings.Contains(err.Error(), "nnnn") {
			t.Errorf("%s: the error shows the secret: %v", name, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	b := box(f, newest, older)
	good := sealed(f, b, "lab")
	for _, seed := range []string{good, "", ".", "2026-11.", "2026-11.AAAA", sealed(f, box(f, older), "lab"), good + "\n"} {
		f.Add(seed)
	}
	mine := map[string]bool{good: true}
	f.Fuzz(func(t *testing.T, text string) {
		var got ticket
		err := b.Open("lab", text, &got, now)
		if err == nil && !mine[text] && got != (ticket{"lab-1f", 3}) {
			t.Errorf("%q opened as %+v", text, got)
		}
		if err != nil && !errors.Is(err, seal.ErrInvalid) {
			t.Errorf("%q gave %v", text, err)
		}
	})
}
