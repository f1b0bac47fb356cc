//go:build deploy

package deploy_test

// standIn looks whether the files that it is given are there, and notes that it was asked.
const standIn = `#!/bin/bash
set -eu
name=${0##*/}
for word in "$@"; do
  file=${word#*=}
  file=${file#file://}
  case $file in
    deploy/* | dist/* | bin/* | config.yaml | clouds.yaml | *.tar)
      [ -e "$file" ] || { echo "$name: there is no $file" >&2; exit 1; } ;;
  esac
done
note() { echo "$name" >>/stand-ins/log; }
`

// standIns are the programs that are not to be had here, or only in part.
func standIns() map[string]string {
	all := map[string]string{
		"tutor": `plugins=/root/.local/share/tutor-plugins
case "$1 $2" in
  "plugins printroot") echo $plugins ;;
  "plugins enable") [ -s "$plugins/$3.py" ] ;;
  "config save") echo "$4" >/stand-ins/tutor.set ;;
esac
note`,
		// The images that ours are built from are on the internet. In their place are some that are made of this machine.
		"podman": `case $1 in
  build) shift
    exec /usr/bin/podman build --volume /usr:/usr:ro --volume "$GOMODCACHE:/go/pkg/mod" --volume "$GOCACHE:/cache" "$@" ;;
  stop) pid=$(/usr/bin/podman inspect --format '{{.State.Pid}}' "$2")
    grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):' "/proc/$pid/status" >/stand-ins/confined
    awk '$5 == "/" { print "root " $6 }' "/proc/$pid/mountinfo" >>/stand-ins/confined
    /usr/bin/podman stop "$2"; /usr/bin/podman inspect --format 'exit {{.State.ExitCode}}' "$2" >>/stand-ins/confined ;;
  *) exec /usr/bin/podman "$@" ;;
esac`,
		// Nothing here runs what Kubernetes was told to.
		"kubectl": `case " $* " in *" rollout "*) name="kubectl rollout" note ;; *) exec "$TOOLS/kubectl" "$@" ;; esac`,
		// Units are loaded and enabled for real; then systemd's own socket-activate holds the sockets, because it cannot be process 1.
		"systemctl": `words=()
for word in "$@"; do [ "$word" = --now ] || words+=("$word"); done
if [ "$1" = restart ]; then name="systemctl restart" note; else /usr/bin/systemctl "${words[@]}"; fi
for unit in "$@"; do
  case $unit in stackhook@*.socket) ;; *) continue ;; esac
  function=${unit#stackhook@}; function=${function%.socket}
  start=$(sed -n 's/^ExecStart=//p' /etc/systemd/system/stackhook@.service | sed "s|%d|/etc/stackhook|; s|%i|$function|")
  mkdir -p /run/stackhook
  (set -a; . /etc/stackhook/env; exec setsid systemd-socket-activate -l "/run/stackhook/$function.sock" $(printf -- '-E %s ' "${!OS_@}") $start >/dev/null 2>&1 9>&- &)
  timeout 60 bash -c 'until [ -S "$0" ]; do sleep 0.05; done' "/run/stackhook/$function.sock"
done`,
	}
	// What a function is to have in its environment is kept, word by word, for when it is started in their place.
	all["fn"] = `note
case "$1 $2" in
  "create app") printf '%s\0' "$5" >/stand-ins/fn.env ;;
  "config app") printf '%s\0' "$4=$5" >>/stand-ins/fn.env ;;
esac`
	all["az"] = `note
if [ "$1 $2 $3 $4" = "functionapp config appsettings set" ]; then
  while [ "$1" != --settings ]; do [ "$1" != --name ] || app=$2; shift; done
  printf '%s\0' "${@:2}" >"/stand-ins/$app.env"
fi`
	for _, name := range []string{"aws", "sam", "tofu", "faas-cli", "docker"} {
		all[name] = "note"
	}
	return all
}
