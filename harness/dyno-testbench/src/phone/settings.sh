#!/system/bin/sh
# Stand-in for Android's settings(1): get, put, delete, list over /data/system/settings/NAMESPACE/KEY.
# Words as in AOSP frameworks/base SettingsService (Android 14): an unset key reads as `null`.
folder=/data/system/settings/$2
case $1 in
  get) if [ -f "$folder/$3" ]; then cat "$folder/$3"; else echo null; fi ;;
  put) mkdir -p "$folder"; echo "$4" > "$folder/$3" ;;
  delete) if [ -f "$folder/$3" ]; then rm "$folder/$3"; echo "Deleted 1 rows"; else echo "Deleted 0 rows"; fi ;;
  list) for file in "$folder"/*; do [ -f "$file" ] && echo "${file##*/}=$(cat "$file")"; done ;;
  *) echo "No valid command specified" >&2; exit 255 ;;
esac
