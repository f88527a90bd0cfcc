#!/system/bin/sh
# Stand-in for Android's svc(1): `svc power stayon true|false|usb|ac|wireless`.
# Values as in AOSP frameworks/base/cmds/svc PowerCommand (Android 14): bits ac 1, usb 2, wireless 4, dock 8.
if [ "$1 $2" != "power stayon" ]; then echo "Available commands: power" >&2; exit 1; fi
case $3 in
  true) bits=15 ;; false) bits=0 ;; ac) bits=1 ;; usb) bits=2 ;; wireless) bits=4 ;;
  *) echo "usage: svc power stayon [true|false|usb|ac|wireless|dock]" >&2; exit 1 ;;
esac
settings put global stay_on_while_plugged_in $bits
