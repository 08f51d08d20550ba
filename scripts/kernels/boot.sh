#!/bin/bash
# Boots a kernel in software emulation and runs a script in it, as root, on this machine's own files: its root is readable there, not
# writable; /tmp and /run are empty and in memory, /dev/vda is an empty disk of 4 GiB. Takes some 20 s longer than the script, which
# runs ten to thirty times slower than outside. No network.
#
#   boot.sh KERNEL_FOLDER SCRIPT
#
# KERNEL_FOLDER is what fetch.sh made; the script finds it as $KERNEL, for modprobe -d, and this machine's root as $HOST_ROOT.
# TIME_LIMIT_S, 1200: then it is ended. Exit code: the script's, 124 when it took too long, 125 when it never came to it.
# Needs qemu-system-x86, busybox-static, kmod, cpio and xz-utils.
set -euo pipefail

kernel=$(realpath "$1")
script=$(realpath "$2")
version=$(basename "$kernel"/lib/modules/*)
for tool in qemu-system-x86_64 busybox modprobe cpio xz; do
  if ! command -v "$tool" >/dev/null; then
    echo "needs $tool (Debian: apt-get install qemu-system-x86 busybox-static kmod cpio xz-utils)" >&2
    exit 125
  fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/root/{bin,proc,sys,dev,host,modules}
cp "$(command -v busybox)" "$work/root/bin/busybox"

# What it takes to see this machine's files; all else the script loads from there.
for module in virtio_pci virtio_blk 9pnet_virtio 9p overlay; do
  modprobe -d "$kernel" -S "$version" --show-depends "$module"
done | sed -n 's/^insmod \(\S*\).*/\1/p' | awk '!seen[$0]++' >"$work/modules"
while read -r path; do
  name=$(basename "$path" .xz)
  # From 6.12 on Debian's are compressed.
  case $path in
    *.xz) xz -dc "$path" >"$work/root/modules/$name" ;;
    *) cp "$path" "$work/root/modules/$name" ;;
  esac
  echo "$name"
done <"$work/modules" >"$work/root/modules/order"

# A mount of this machine's root without what is mounted on it stands in /host/root.
cat >"$work/root/init" <<EOF
#!/bin/busybox sh
b=/bin/busybox
\$b mount -t proc proc /proc
\$b mount -t sysfs sys /sys
\$b mount -t devtmpfs dev /dev
while read module; do \$b insmod /modules/\$module; done </modules/order
\$b mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose host /host
\$b mount --bind /host /host/root
\$b mount -t tmpfs tmpfs /host/tmp
\$b mount -t tmpfs tmpfs /host/run
for each in proc sys dev; do \$b mount --move /\$each /host/\$each; done
\$b mkdir -p /host/dev/shm
\$b mount -t tmpfs tmpfs /host/dev/shm
echo "booted \$(\$b uname -r)"
\$b chroot /host /usr/bin/env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp KERNEL="/root$kernel" \
  HOST_ROOT=/root /bin/bash "/root$script"
echo "script ended with \$?"
\$b poweroff -f
EOF
chmod +x "$work/root/init"
(cd "$work/root" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/initrd"
truncate -s 4G "$work/disk"

timeout "${TIME_LIMIT_S:-1200}" qemu-system-x86_64 -accel tcg,thread=multi -machine q35 -cpu max -smp 2 -m 3072 \
  -nographic -no-reboot -net none \
  -kernel "$kernel/boot/vmlinuz-$version" -initrd "$work/initrd" -append 'console=ttyS0 quiet panic=-1' \
  -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
  -drive "file=$work/disk,if=virtio,format=raw,cache=unsafe" </dev/null | tee "$work/log" || exit $?
ended=$(sed -n 's/^script ended with \([0-9]*\).*/\1/p' "$work/log" | tail -1)
exit "${ended:-125}"
