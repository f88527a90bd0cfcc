#!/system/bin/sh
# Stand-in for Android's dumpsys(1): battery, power, thermalservice.
# Output as printed by AOSP frameworks/base/services (Android 14): BatteryService.dumpInternal,
# PowerManagerService.dumpInternal (excerpt), ThermalManagerService.dumpInternal (excerpt).
# Values lie one a file in /data/system/battery and /data/system/power; `dumpsys battery set NAME VALUE`,
# `unplug` and `reset` change them as the real ones do.
state=/data/system/battery
get() { cat "$state/$1"; }
truth() { if [ "$(get "$1")" = 1 ]; then echo true; else echo false; fi; }
battery() {
  case $1 in
    set) echo "$3" > "$state/$2" ;;
    unplug) for plug in ac usb wireless; do echo 0 > "$state/$plug"; done ;;
    reset) cp "$state.default"/* "$state/" ;;
    '')
      echo "Current Battery Service state:"
      echo "  AC powered: $(truth ac)"
      echo "  USB powered: $(truth usb)"
      echo "  Wireless powered: $(truth wireless)"
      echo "  Dock powered: false"
      echo "  Max charging current: 500000"
      echo "  Max charging voltage: 5000000"
      echo "  Charge counter: $(get counter)"
      echo "  status: $(get status)"
      echo "  health: 2"
      echo "  present: $(truth present)"
      echo "  level: $(get level)"
      echo "  scale: 100"
      echo "  voltage: $(get voltage)"
      echo "  temperature: $(get temp)"
      echo "  technology: Li-ion" ;;
    *) echo "Unknown get command: $1"; return 1 ;;
  esac
}
service=$1
[ $# = 0 ] || shift
case $service in
  battery) battery "$@" ;;
  power)
    echo "POWER MANAGER (dumpsys power)"
    echo
    echo "Power Manager State:"
    echo "  mWakefulness=$(cat /data/system/power/wakefulness)"
    echo "  mStayOnWhilePluggedInSetting=$(settings get global stay_on_while_plugged_in)" ;;
  thermalservice)
    echo "IsStatusOverride: false"
    echo "ThermalEventListeners:"
    echo "Thermal Status: $(cat /data/system/power/thermal_status)"
    echo "Cached temperatures:"
    echo "	Temperature{mValue=31.4, mType=3, mName=VIRTUAL-SKIN, mStatus=$(cat /data/system/power/thermal_status)}" ;;
  *) echo "Can't find service: $service"; exit 0 ;;
esac
