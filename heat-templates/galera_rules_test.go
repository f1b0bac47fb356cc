package heattemplates_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	ourCluster = "867cfa33-e6e0-11f1-b993-576fdad9d802"
	noCluster  = "00000000-0000-0000-0000-000000000000"
)

// grastate is Galera's own file about the data beside it.
func grastate(uuid, seqno, safe string) string {
	return "# GALERA saved state\nversion: 2.1\nuuid:    " + uuid + "\nseqno:   " + seqno + "\nsafe_to_bootstrap: " + safe + "\n"
}

// start is a node at the moment of MariaDB's start: its volume, its settings, and what the two others say. The programs are
// stand-ins, so that only the decision is tested; make test-galera runs it with the real ones.
type start struct {
	name     string
	index    string            // 0 if empty
	files    map[string]string // on the volume
	settings string
	meta     string    // of the server
	said     [2]string // by the others at port 9200; nothing if empty
	alive    string    // the others whose port 4567 is open
	want     string    // the mode, MariaDB's options, and what Galera's files let it do, or the end of the reason for which it is not started
}

func (c start) run(t *testing.T) string {
	t.Helper()
	root, bin := t.TempDir(), t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		writeProgram(t, name, text)
	}
	for _, name := range []string{"lib.sh", "galera", "galera-start"} {
		text, err := os.ReadFile(filepath.Join("site/boot", strings.TrimSuffix(name, ".sh")+".sh"))
		if err != nil {
			t.Fatal(err)
		}
		write(root+"/opt/stackhook/"+name, string(text))
	}
	for name, script := range map[string]string{
		"curl": `case "$*" in *meta*) echo "$META" ;; *10.0.0.1*) echo "$SAID1" ;; *10.0.0.2*) echo "$SAID2" ;; esac`,
		// port_open's: its last word is the script that would connect
		"timeout":            `for peer in $ALIVE; do case "$*" in *tcp/10.0.0.$peer/4567*) exit 0 ;; esac; done; exit 1`,
		"mariadb-install-db": `for word; do case $word in --datadir=*) mkdir -p "${word#*=}" ;; esac; done`,
		"galera-backup":      `mkdir -p "$3"; echo "$2" >"$3/restored"`,
		"mariadbd": `case "$*" in
  *--wsrep-recover*) for word; do case $word in --log-error=*) echo "WSREP: Recovered position: ` + ourCluster + `:77" >"${word#*=}" ;; esac; done ;;
  *--bootstrap*) cat >"$SITE_ROOT/users" ;;
  *) shift
    echo "start $*$(cd "$SITE_ROOT/srv/mysql/data" && [ ! -e gvwstate.dat ] || echo ' view')$(sed -n 's/^safe_to_bootstrap: 1/ safe/p' "$SITE_ROOT/srv/mysql/data/grastate.dat" 2>/dev/null)" ;;
esac`,
		"install": `for last; do :; done; mkdir -p "$last"`,
		"chown":   "exit 0",
	} {
		write(filepath.Join(bin, name), "#!/bin/bash\n"+script+"\n")
	}
	for name, text := range c.files {
		write(root+"/srv/mysql/"+name, text)
	}
	for _, dir := range []string{"/srv/mysql/tmp", "/run/stackhook/mysql"} {
		if err := os.MkdirAll(root+dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	index := c.index
	if index == "" {
		index = "0"
	}
	// The node is always 10.0.0.9, whatever its index: the two others are 10.0.0.1 and 10.0.0.2.
	peers := map[string]string{"0": "10.0.0.9 10.0.0.1 10.0.0.2", "1": "10.0.0.1 10.0.0.9 10.0.0.2", "2": "10.0.0.1 10.0.0.2 10.0.0.9"}[index]
	write(root+"/etc/stackhook/site.env", "SITE=academy ROLE=backend NAME=x INDEX="+index+" PEERS='"+peers+"' MYSQL_ROOT_PASSWORD=hunter2-root MYSQL_PASSWORD=hunter2-openedx MYSQL_SST_PASSWORD=hunter2-sst\n"+c.settings+"\n")

	cmd := exec.CommandContext(t.Context(), root+"/opt/stackhook/galera-start")
	cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "SITE_ROOT=" + root, "START_WAIT=0", "META=" + c.meta, "SAID1=" + c.said[0], "SAID2=" + c.said[1], "ALIVE=" + c.alive}
	out, err := cmd.CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	last := lines[len(lines)-1]
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		reason, _ := os.ReadFile(root + "/run/stackhook/failure")
		return strings.TrimSpace(string(reason))
	case err != nil:
		t.Fatal(err)
	}
	mode, _ := os.ReadFile(root + "/run/stackhook/mode")
	return strings.TrimSpace(string(mode)) + strings.TrimPrefix(last, "start")
}

// Research 4.4 to 4.6, row by row: a second cluster must not begin beside a living one, nor beside one that is only away.
func TestRule44Decision(t *testing.T) {
	t.Parallel()
	const (
		blank   = "uuid=" + noCluster + " seqno=-1 state=down"
		down    = "uuid=" + ourCluster + " seqno=90 state=down"
		behind  = "uuid=" + ourCluster + " seqno=12 state=down"
		primary = "uuid=" + ourCluster + " seqno=95 status=Primary state=Synced size=2"
		lost    = "uuid=" + ourCluster + " seqno=95 status=non-Primary state=Initialized size=1"
		other   = "uuid=11111111-e6e0-11f1-b993-576fdad9d802 seqno=5 status=Primary state=Synced size=2"
		none    = "no cluster to join, none to begin. Last transactions of "
		begin   = " --wsrep-new-cluster"
		at77    = " --wsrep-start-position=" + ourCluster + ":77"
	)
	data := func(safe string, more ...string) map[string]string {
		files := map[string]string{"data/grastate.dat": grastate(ourCluster, "77", safe), "cluster": ourCluster}
		for _, name := range more {
			files[name] = "x"
		}
		return files
	}
	for _, c := range []start{
		{name: "all blank, first", said: [2]string{blank, blank}, want: "bootstrap" + begin},
		{name: "all blank, second", index: "1", said: [2]string{blank, blank}, want: none + "00000000: 0: no data; 1: no data; 2: no data"},
		{name: "all blank, first, with a backup", settings: "RESTORE=2026-11-23T03", said: [2]string{blank, blank}, want: "restore" + begin},
		{name: "blank second, the first is begun", index: "1", alive: "1", said: [2]string{primary, blank}, want: "join"},
		{name: "4.5: blank first, others live", alive: "1 2", said: [2]string{primary, primary}, want: "join"},
		{name: "4.5: blank first, others live, check does not answer", alive: "2", want: "join"},
		{name: "blank first, one other silent", said: [2]string{blank, ""}, want: none + "00000000: 0: no data; 1: no data; 2: no answer"},
		{name: "blank first, another is down with data", said: [2]string{down, blank}, want: none + "00000000: 0: no data; 1: 90; 2: no data"},
		{name: "blank first that was in a cluster", files: map[string]string{"cluster": ourCluster}, said: [2]string{blank, blank}, want: none + "00000000: 0: no data; 1: no data; 2: no data"},
		{name: "blank first of an adopted cluster", settings: "CLUSTER_UUID=" + ourCluster, said: [2]string{blank, blank}, want: none + "00000000: 0: no data; 1: no data; 2: no data"},
		{name: "state file cut off by a crash", files: map[string]string{"data/grastate.dat": "", "cluster": ourCluster}, said: [2]string{blank, blank}, want: none + "00000000: 0: no data; 1: no data; 2: no data"},
		{name: "crash of all", files: data("0", "data/gvwstate.dat"), said: [2]string{down, down}, want: "recover" + at77 + " view"},
		{name: "crash of one", files: data("0", "data/gvwstate.dat"), alive: "1 2", said: [2]string{primary, primary}, want: "join" + at77 + " view"},
		{name: "crash, position only in InnoDB", files: map[string]string{"data/grastate.dat": grastate(ourCluster, "-1", "0")}, alive: "1", said: [2]string{primary, ""}, want: "join" + at77},
		{name: "4.6: stopped last", files: data("1"), said: [2]string{behind, behind}, want: "recover" + at77 + begin + " safe"},
		{name: "4.6: stopped last, alone", files: data("1"), want: "recover" + at77 + begin + " safe"},
		{name: "stopped last long ago, others went on", files: data("1"), said: [2]string{down, behind}, want: none + "867cfa33: 0: 77; 1: 90; 2: 12"},
		{name: "stopped last, others live", files: data("1"), alive: "1", said: [2]string{primary, ""}, want: "join" + at77 + " safe"},
		{name: "4.6: stopped first", files: data("0"), said: [2]string{down, ""}, want: none + "867cfa33: 0: 77; 1: 90; 2: no answer"},
		{name: "stopped first, another has begun", files: data("0"), alive: "1", said: [2]string{down, ""}, want: "join" + at77},
		{name: "operator's word", files: data("0"), settings: "BOOTSTRAP=0:word-1", said: [2]string{down, ""}, want: "recover" + at77 + begin + " safe"},
		{name: "operator's word in the metadata, before a view that cannot come back", files: data("0", "data/gvwstate.dat"), meta: `{"meta": {"stackhook_bootstrap": "0:word-1"}}`, said: [2]string{lost, ""}, alive: "1", want: "recover" + at77 + begin + " safe"},
		{name: "operator's word for another", files: data("0"), settings: "BOOTSTRAP=2:word-1", said: [2]string{down, ""}, want: none + "867cfa33: 0: 77; 1: 90; 2: no answer"},
		{name: "operator's word, used", files: func() map[string]string { f := data("0"); f["tokens"] = "word-0\nword-1\n"; return f }(), settings: "BOOTSTRAP=0:word-1", want: none + "867cfa33: 0: 77; 1: no answer; 2: no answer"},
		{name: "operator's word while a cluster lives", files: data("0"), settings: "BOOTSTRAP=0:word-1", said: [2]string{primary, ""}, alive: "1", want: "join" + at77},
		{name: "operator's word for a blank volume", settings: "BOOTSTRAP=0:word-1", said: [2]string{down, ""}, want: none + "00000000: 0: no data; 1: 90; 2: no answer"},
		{name: "another cluster's data", files: data("0"), alive: "1", said: [2]string{other, ""}, want: "this volume has cluster " + ourCluster + ", a peer has 11111111-e6e0-11f1-b993-576fdad9d802: joining would replace the data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := c.run(t); got != c.want && (!strings.HasPrefix(got, "galera-start:") || !strings.HasSuffix(got, ": "+c.want)) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
