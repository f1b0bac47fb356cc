#!/bin/bash
# disk ROLE VOLUME FOLDER: mounts the Cinder volume, after making a filesystem on it if it is blank. The disk is found by the
# volume's id: device names change from boot to boot. Whatever is not blank and not this node's own is left alone.
. "${SITE_LIB:-${SITE_ROOT:-}/opt/stackhook}/lib.sh"
role=$1 volume=$2 folder=$root$3
label=sh-$role-$INDEX # at most 16 letters
whose="site $SITE, $role $INDEX"

found() {
  udevadm settle --timeout=5 || true
  for device in "$root"/dev/disk/by-id/{virtio-"${volume:0:20}","scsi-0QEMU_QEMU_HARDDISK_$volume"}; do
    [ -b "$device" ] && return
  done
  return 1
}
device=
wait_for "${DISK_WAIT:-300}" found || true
found || die "volume $volume ($role) is not attached: no disk of that id"

# Both have to find nothing: each knows signatures that the other does not. blkid's 2 is "nothing found".
code=0
seen=$(blkid -p -o export "$device") || code=$?
marks=$(wipefs -n "$device")
if [ $code = 2 ] && [ -z "$marks" ]; then
  say "volume $volume is blank: making a filesystem $label"
  mkfs.ext4 -q -L "$label" "$device"
  udevadm settle --timeout=5 || true
elif [ "$(sed -n 's/^LABEL=//p' <<<"$seen")" != "$label" ]; then
  die "volume $volume is not blank and not $label, so it stays as it is: $(grep -E '^(LABEL|(PT)?TYPE)=' <<<"$seen" | paste -sd' ' || true)"
fi

mkdir -p "$folder"
touch "$root/etc/fstab"
sed -i "\\|^LABEL=$label |d" "$root/etc/fstab"
echo "LABEL=$label $folder ext4 defaults,nofail,x-systemd.device-timeout=60s 0 2" >>"$root/etc/fstab"
mountpoint -q "$folder" || mount --fstab "$root/etc/fstab" "$folder"
mounted=$(findmnt -n -o SOURCE --target "$folder")
if [ "$(readlink -f "$mounted")" != "$(readlink -f "$device")" ]; then
  umount "$folder"
  die "another disk than volume $volume has the label $label, too"
fi

if [ -e "$folder/stackhook" ]; then
  if [ "$(cat "$folder/stackhook")" != "$whose" ]; then
    owner=$(head -n 1 "$folder/stackhook")
    umount "$folder"
    die "volume $volume belongs to $owner, not to $whose"
  fi
elif [ -n "$(find "$folder" -mindepth 1 -maxdepth 1 ! -name lost+found -print -quit)" ]; then
  umount "$folder"
  die "volume $volume has the label $label, yet not our marker beside its data"
else
  echo "$whose" >"$folder/stackhook.new"
  sync "$folder/stackhook.new"
  mv "$folder/stackhook.new" "$folder/stackhook"
fi
say "$folder is volume $volume ($label)"
