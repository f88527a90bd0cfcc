#!/system/bin/sh
# Stand-in for Android's getprop(1): `getprop [NAME [DEFAULT]]` over /system/build.prop.
# Output as documented in AOSP system/core/toolbox/getprop (Android 14): `[name]: [value]` lines without a name.
if [ $# = 0 ]; then
  while IFS='=' read -r name value; do
    case $name in ''|'#'*) ;; *) echo "[$name]: [$value]" ;; esac
  done < /system/build.prop
  exit 0
fi
while IFS='=' read -r name value; do
  if [ "$name" = "$1" ]; then echo "$value"; exit 0; fi
done < /system/build.prop
echo "$2"
