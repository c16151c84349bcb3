#!/bin/sh -eu
. ./names.sh
"$ctl" -t
if [ -d /run/systemd/system ]; then
  for unit in apache2 httpd; do
    if systemctl cat "$unit" > /dev/null 2>&1; then exec systemctl reload-or-restart "$unit"; fi
  done
fi
exec "$ctl" -k graceful # starts it where it does not run
