#!/bin/sh -eu
[ -f "$BOOTLACE_STATE/swap" ] || exit 0
swapoff /swapfile 2> /dev/null || :
rm -f /swapfile "$BOOTLACE_STATE/swap"
