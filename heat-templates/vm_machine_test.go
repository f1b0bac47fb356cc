//go:build vm

package heattemplates_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// vm is one server of Nova's: a QEMU without help of the processor, since a machine that tests may be a virtual one itself.
type vm struct {
	site     *vmSite
	index    int
	address  string
	volumes  []string // Cinder's ids, in the order in which they are attached
	userData string
	stop     func()
	read     int64 // of the console
}

func (n *vm) name() string { return fmt.Sprintf("school-backend-%d", n.index) }
func (n *vm) mac() string  { return fmt.Sprintf("fa:16:3e:90:00:1%d", n.index) }
func (n *vm) file(name string) string {
	return filepath.Join(n.site.folder, fmt.Sprintf("%d-%s", n.index, name))
}

// id is that of Nova's server: with a new one cloud-init takes the machine for a new one, too.
func (n *vm) id() string {
	for _, server := range n.site.fake.Servers() {
		if server.Name == n.name() {
			return server.ID
		}
	}
	return ""
}

func (n *vm) metadata() map[string]any {
	key, _ := os.ReadFile(n.site.folder + "/key.pub")
	return map[string]any{
		"uuid": n.id(), "name": n.name(), "hostname": n.name() + ".novalocal", "launch_index": 0, "availability_zone": "nova", "devices": []any{},
		"meta": map[string]string{"stackhook_bootstrap": ""}, "public_keys": map[string]string{"vm": strings.TrimSpace(string(key))},
	}
}

func (n *vm) networkData() map[string]any {
	return map[string]any{
		"links":    []any{map[string]any{"id": "tap0", "vif_id": "vif0", "type": "ovs", "mtu": 1500, "ethernet_mac_address": n.mac()}},
		"networks": []any{map[string]any{"id": "network0", "type": "ipv4_dhcp", "link": "tap0", "network_id": "network"}},
		"services": []any{},
	}
}

func write(w http.ResponseWriter, answer any) {
	if text, ok := answer.(string); ok {
		_, _ = io.WriteString(w, text)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// newDisk is the machine's own disk, from an image: prepared, with the packages of the boot scripts, or plain. Volumes that are new are blank.
func (n *vm) newDisk(image string) {
	n.site.t.Helper()
	n.site.sh("cp --sparse=always " + n.site.image + "/" + image + ".img " + n.file("root"))
	for _, id := range n.volumes {
		n.site.sh("[ -e " + n.file(id) + " ] || truncate -s 2G " + n.file(id))
	}
}

// start is the power switch. Nova gives disks the volume's id as their serial number.
func (n *vm) start() {
	n.site.t.Helper()
	_ = os.Remove(n.file("console"))
	n.read = 0
	argv := []string{
		"-n", nice(), "qemu-system-x86_64", "-name", n.name(), "-uuid", n.id(), "-accel", "tcg", "-cpu", "Nehalem", "-smp", "1", "-m", "1280",
		"-smbios", "type=1,manufacturer=OpenStack Foundation,product=OpenStack Nova", "-display", "none", "-no-reboot",
		"-serial", "file:" + n.file("console"), "-kernel", n.site.image + "/kernel", "-initrd", n.site.image + "/initrd",
		"-append", "root=LABEL=cloudimg-root ro console=ttyS0 quiet mitigations=off tsc=reliable",
		"-netdev", fmt.Sprintf("tap,id=net,ifname=tap%d,script=no,downscript=no", n.index), "-device", "virtio-net-pci,netdev=net,mac=" + n.mac(),
		"-device", "virtio-rng-pci",
	}
	// Of a process that is killed, the kernel of this machine has all that it wrote: nothing has to reach the disk for that.
	disk := "file=%s,id=%s,if=none,format=raw,cache=unsafe"
	argv = append(argv, "-drive", fmt.Sprintf(disk, n.file("root"), "root"), "-device", "virtio-blk-pci,drive=root")
	for i, id := range n.volumes {
		drive := fmt.Sprintf("volume%d", i)
		argv = append(argv, "-drive", fmt.Sprintf(disk, n.file(id), drive), "-device", "virtio-blk-pci,drive="+drive+",serial="+id)
	}
	cmd := exec.CommandContext(context.WithoutCancel(n.site.t.Context()), "nice", argv...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Linux shares its processors out by session: one for all three is too little
	n.stop = n.site.background(cmd)
}

// nice is how far the machines stand back for others at work here.
func nice() string {
	if n := os.Getenv("VM_NICE"); n != "" {
		return n
	}
	return "10"
}

// ssh runs a script on the machine as root, by the key that Nova's metadata has.
func (n *vm) ssh(script string) (string, error) {
	ctx, cancel := context.WithTimeout(n.site.t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ssh", "-i", n.site.folder+"/key", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
		"-o", "LogLevel=ERROR", "-o", "ConnectTimeout=60", "debian@"+n.address, "sudo bash -s")
	cmd.Stdin = strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (n *vm) must(script string) string {
	n.site.t.Helper()
	out, err := n.ssh(script)
	if err != nil {
		n.site.fails("node %d: %s: %v: %s", n.index, script, err, out)
	}
	return out
}

func (n *vm) sql(query string) string {
	n.site.t.Helper()
	return n.must("mariadb --no-defaults --socket=/run/stackhook/mysql/mysql.sock -BN <<'SQL'\n" + query + "\nSQL")
}

// standing is what the node's check says, which HAProxy and its peers ask.
func (n *vm) standing() map[string]string {
	client := http.Client{Timeout: 10 * time.Second}
	answer, err := client.Get("http://" + n.address + ":9200/")
	if err != nil {
		return nil
	}
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(answer.Body)
	out := map[string]string{}
	for word := range strings.FieldsSeq(string(text)) {
		key, value, _ := strings.Cut(word, "=")
		out[key] = value
	}
	return out
}

var milestone = regexp.MustCompile(`Cloud-init v\. \S+ (running '[a-z:-]+'|finished)|Kernel panic|emergency mode|Failed to start [^\n\r]*`)

// follow prints what is new on the console and says how far the boot is.
func (n *vm) follow() {
	text, _ := os.ReadFile(n.file("console"))
	if int64(len(text)) < n.read {
		return
	}
	whole := strings.LastIndexByte(string(text), '\n') + 1
	if int64(whole) <= n.read {
		return
	}
	for _, line := range milestone.FindAllString(string(text[n.read:whole]), -1) {
		n.site.say("node %d: %s", n.index, line)
	}
	n.read = int64(whole)
}

func (n *vm) console() string {
	text, _ := os.ReadFile(n.file("console"))
	return string(text)
}

func (n *vm) lastLines(count int) string {
	lines := strings.Split(strings.TrimSpace(n.console()), "\n")
	return strings.Join(lines[max(0, len(lines)-count):], "\n")
}
