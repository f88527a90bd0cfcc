#!/bin/busybox sh
# First program of a bench machine: loads modules, mounts the disk, hands over to /sbin/bench-init.
/bin/busybox mkdir -p /dev /proc /sys /newroot
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
for module in $(cat /modules/order); do insmod "/modules/$module.ko"; done
disk=$(sed -n 's/.*bench_disk=\([^ ]*\).*/\1/p' /proc/cmdline)
n=0
while [ ! -b "$disk" ] && [ $n -lt 300 ]; do n=$((n + 1)); sleep 0.1; done
mount -t ext4 "$disk" /newroot || exec sh
for folder in dev proc sys; do mount --move /$folder /newroot/$folder; done
exec switch_root /newroot /sbin/bench-init
