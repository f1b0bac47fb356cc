package cluster_test

import (
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stackhook/stackhook/shared/cluster"
)

// No text makes Remember panic; what it remembers is kept in less than a parameter's room, and read back it is the same.
// Whatever is remembered, the next decision is written, too.
func FuzzRemember(f *testing.F) {
	f.Add(cluster.Memory{}.Record(cluster.OpOut, 1, 2, cluster.Scaled, "me", "t", start()).String())
	f.Add(`{"gen":1,"token":"t","ring":[{}],"seen":[{"k":"","x":-1}]}`)
	f.Add(`{"gen":1,"token":"` + strings.Repeat("<", 3000) + `"}`)
	f.Add(`{"gen":1,"token":"t","op":"` + strings.Repeat("<", 3000) + `"}`)
	f.Add(`{"gen":9,"token":"t","out":1,"in":2,"fails":60,"kept":["0"],"halt":"why","from":1,"to":2}`)
	f.Fuzz(func(t *testing.T, text string) {
		m, ok := cluster.Remember(text)
		if !ok {
			return
		}
		kept := m.String()
		again, still := cluster.Remember(kept)
		if len(kept) >= 4<<10 || !still || again.Gen != m.Gen || len(m.Token) <= 48 && again.Token != m.Token {
			t.Fatalf("%d bytes, %+v became %+v", len(kept), m, again)
		}
		if twice, _ := cluster.Remember(again.String()); !reflect.DeepEqual(twice, again) {
			t.Errorf("%+v became %+v", again, twice)
		}
		s := complete(2)
		s.Memory = m
		r := forced(out(1))
		r.Token = "new"
		d := cluster.Decide(s, r, start())
		if d.Patch == nil {
			t.Fatalf("%+v", d)
		}
		if next, ok := cluster.Remember(d.Patch.State); m.Gen < math.MaxInt && (!ok || next.Token != "new" || next.Gen != m.Gen+1) {
			t.Errorf("after %+v: %s", m, d.Patch.State)
		}
	})
}

// What is written is read back as it was: every field, whatever is in it.
func FuzzMemory(f *testing.F) {
	f.Add("t", "me", "key", "0", 1, 2, int64(1795400000), 30)
	f.Add("", "\x00<ö\"", "", "", -1, 1<<40, int64(-1), 0)
	f.Add(strings.Repeat("\x80", 6000), "me", "key", "0", 1, 2, int64(1795400000), 30)
	f.Fuzz(func(t *testing.T, token, by, key, node string, from, to int, unix int64, life int) {
		r := cluster.Request{Op: cluster.OpSet, To: to, Token: token, Who: by, Key: key, KeyLife: time.Duration(life) * time.Second, Nodes: nil}
		s := complete(from)
		s.Min, s.Max = 0, math.MaxInt32
		s.Nodes = []cluster.Node{{Name: node, Server: "s", Member: "m"}}
		now := time.Unix(unix%(1<<40), 0)
		d := cluster.Decide(s, r, now)
		if d.Patch == nil {
			return
		}
		m, ok := cluster.Remember(d.Patch.State)
		if ok != (token != "") || len(d.Patch.State) >= 4<<10 {
			t.Fatalf("%s: %v", d.Patch.State, ok)
		}
		if again, _ := cluster.Remember(m.String()); ok && (m.To != d.Patch.Count || m.From != from || m.At != now.Unix() || !reflect.DeepEqual(again, m)) {
			t.Errorf("%s is read as %+v, and then as %+v", d.Patch.State, m, again)
		}
		if utf8.ValidString(token) && len(token) <= 48 && m.Token != token {
			t.Errorf("token %q is read as %q", token, m.Token)
		}
	})
}

// A part of a size is Heat's, in numbers of any size: never less than the least step nor more than asked, and no step at 0.
func FuzzShare(f *testing.F) {
	f.Add(3, 50, 0)
	f.Add(5, 30, 2)
	f.Add(5, 0, 2)
	f.Add(math.MaxInt, math.MaxInt, math.MaxInt)
	f.Fuzz(func(t *testing.T, size, percent, least int) {
		if size < 0 || percent < 0 || least < 0 {
			return // none of the three ever is
		}
		got := cluster.Share(size, percent, least)
		exact := new(big.Int).Div(new(big.Int).Mul(big.NewInt(int64(size)), big.NewInt(int64(percent))), big.NewInt(100))
		want := big.NewInt(0)
		if percent > 0 {
			want = exact
			if size > 0 && want.Sign() == 0 {
				want = big.NewInt(1)
			}
			if want.Cmp(big.NewInt(int64(least))) < 0 {
				want = big.NewInt(int64(least))
			}
		}
		if size <= math.MaxInt32 && percent <= math.MaxInt32 && want.IsInt64() && want.Int64() <= math.MaxInt32 && int64(got) != want.Int64() {
			t.Errorf("%d %% of %d, at least %d: %d, want %s", percent, size, least, got, want)
		}
		if got < 0 || got > math.MaxInt32 || percent == 0 && got != 0 {
			t.Errorf("%d %% of %d, at least %d: %d", percent, size, least, got)
		}
	})
}
