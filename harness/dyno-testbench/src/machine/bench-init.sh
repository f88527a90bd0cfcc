#!/bin/sh
# Process 1 of a bench machine: network and sshd, no more.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
mkdir -p /dev/pts /dev/shm /run
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mkdir -p /run/sshd
hostname "$(cat /etc/hostname)"
n=0
while [ ! -e /sys/class/net/eth0 ] && [ $n -lt 600 ]; do n=$((n + 1)); sleep 0.1; done
ip link set lo up
ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip route add default via 10.0.2.2
echo "bench-init: up at $(cut -d' ' -f1 /proc/uptime) s"
while :; do /usr/sbin/sshd -D -e; sleep 1; done
