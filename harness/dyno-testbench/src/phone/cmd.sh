#!/system/bin/sh
# Stand-in for Android's cmd(1): `cmd connectivity airplane-mode [enable|disable]`.
# Words as in AOSP packages/modules/Connectivity ConnectivityService.ShellCmd (Android 14).
if [ "$1 $2" != "connectivity airplane-mode" ]; then echo "cmd: Can't find service: $1" >&2; exit 20; fi
case $3 in
  enable) settings put global airplane_mode_on 1 ;;
  disable) settings put global airplane_mode_on 0 ;;
  '') if [ "$(settings get global airplane_mode_on)" = 1 ]; then echo enabled; else echo disabled; fi ;;
  *) echo "Unknown argument: $3" >&2; exit 255 ;;
esac
