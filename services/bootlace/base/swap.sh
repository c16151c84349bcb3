#!/bin/sh -eu
# A swap file of the size asked for, on at each boot by this; none in images, see seal.sh.
file=/swapfile
if [ "$BOOTLACE_PROVIDER" = sandbox ]; then
  [ -z "$SWAP" ] || echo "swap: a sandbox shares this computer's, nothing is done"
  exit 0
fi
case $SWAP in
  '') megabytes=0 ;;
  *G) megabytes=$((${SWAP%G} * 1024)) ;;
  *) megabytes=${SWAP%M} ;;
esac
has=0
[ ! -f $file ] || has=$(($(stat -c %s $file) / 1048576))
if [ "$has" != "$megabytes" ] && [ -f $file ] && [ -f "$BOOTLACE_STATE/swap" ]; then
  swapoff $file 2> /dev/null || :
  rm $file
fi
[ "$megabytes" -gt 0 ] || exit 0
if [ ! -f $file ]; then
  # Written out: a file with holes is refused, and what fallocate makes is one on some file systems (swapon(8)).
  : > "$BOOTLACE_STATE/swap"
  (umask 077 && dd if=/dev/zero of=$file.new bs=1M count="$megabytes" 2> /dev/null)
  mkswap $file.new > /dev/null
  mv $file.new $file
  echo "$file has $SWAP"
fi
grep -q "^$file " /proc/swaps || swapon $file
