#!/bin/sh -eu
if [ -e "/usr/share/zoneinfo/$TIMEZONE" ]; then
  ln -sf "/usr/share/zoneinfo/$TIMEZONE" /etc/localtime
  printf '%s\n' "$TIMEZONE" > /etc/timezone
elif [ "$TIMEZONE" != Etc/UTC ]; then
  echo "there is no /usr/share/zoneinfo/$TIMEZONE; is the package tzdata missing?" >&2
  exit 1
fi

install -d -m 0755 /srv
printf '%s\n' "$NOTE" > /etc/motd
