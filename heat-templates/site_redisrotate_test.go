package heattemplates_test

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// again stops a node's Redis in order, and starts it with other settings on the same volume: a node that was made anew.
func (r *redisTrio) again(i int, password, earlier string) {
	r.t.Helper()
	r.kill(i, syscall.SIGTERM)
	r.nodes[i].settings(map[string]string{
		"ROLE": "backend", "INDEX": strconv.Itoa(i), "PEERS": strings.Join(r.at[:], " "), "REDIS_PASSWORD": password, "REDIS_PASSWORD_EARLIER": earlier,
	})
	r.up(i)
}

// with logs in with another password.
func (r *redisTrio) with(password string) *redisTrio {
	other := *r
	other.password = password
	return &other
}

// pings are the nodes that let the site in.
func (r *redisTrio) pings() string {
	var list []int
	for i, at := range r.at {
		if r.as(at, "PING") == "PONG" {
			list = append(list, i)
		}
	}
	return fmt.Sprint(list)
}

// 7.1 no. 15: Redis's nodes are made anew one by one, first with both passwords, then with the new one. All take the earlier one
// until all take the new one, they follow one primary after each step, and what was written stays; in the end the earlier one is
// worth nothing, not to the administrator either.
func TestRow7115RedisTakesTwoPasswords(t *testing.T) {
	t.Parallel()
	old := newRedisTrio(t)
	old.up(0, 1, 2)
	first := old.settled()
	until(t, 90*time.Second, "a course is kept", func() bool { return old.as(old.at[first], "SET", "course", "kept") == "OK" })
	fresh := old.with("hunter2redis-b")
	for n, i := range []int{2, 1, 0} {
		old.again(i, "hunter2redis-b", "hunter2redis")
		old.settled()
		if got := old.pings(); got != "[0 1 2]" {
			t.Fatalf("after node %d the earlier password is good at %s", i, got)
		}
		if got := fresh.pings(); got != [...]string{"[2]", "[1 2]", "[0 1 2]"}[n] {
			t.Fatalf("after node %d the new password is good at %s", i, got)
		}
	}
	for n, i := range []int{2, 1, 0} {
		fresh.again(i, "hunter2redis-b", "")
		primary := fresh.settled()
		until(t, 90*time.Second, "writes go on", func() bool { return fresh.as(fresh.at[primary], "SET", "step", strconv.Itoa(n)) == "OK" })
		if got := fresh.pings(); got != "[0 1 2]" {
			t.Fatalf("after node %d the new password is good at %s", i, got)
		}
	}
	if got := old.pings(); got != "[]" {
		t.Errorf("the earlier password is good at %s", got)
	}
	for i, at := range fresh.at {
		if got := fresh.as(at, "GET", "course"); got != "kept" {
			t.Errorf("node %d has %q", i, got)
		}
	}
	// The Sentinels agree on one primary still: when it is gone, there is another.
	victim := fresh.settled()
	fresh.kill(victim, syscall.SIGKILL)
	until(t, 120*time.Second, "another primary", func() bool {
		all, _ := fresh.primaries()
		return len(all) == 1 && all[0] != victim
	})
}
