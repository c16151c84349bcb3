#!/bin/sh -eu
. ./names.sh
if [ -n "$ports" ]; then
  : > "$ports" # the port comes from the file below alone
else
  sed -i 's/^Listen /#&/' "${sites%/*}"/httpd.conf "${sites%/*}"/conf/httpd.conf 2> /dev/null || :
fi
printf 'Listen %s\nServerName %s\n' "$PORT" "$SERVER_NAME" > "$sites/000-bootlace.conf"
printf 'SITES=%s\nPORT=%s\n' "$sites" "$PORT" > "$BOOTLACE_OUTPUT"
