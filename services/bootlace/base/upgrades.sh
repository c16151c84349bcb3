#!/bin/sh -eu
# Unattended upgrades: Debian's by apt's periodic settings, Fedora's and Amazon Linux's by dnf-automatic's timer.
[ "$UPGRADES" != keep ] || exit 0
if command -v apt-get > /dev/null; then
  file=/etc/apt/apt.conf.d/99bootlace-upgrades
  number=0
  if [ "$UPGRADES" = on ]; then
    number=1
    command -v unattended-upgrade > /dev/null || apt-get install -y -qq --no-install-recommends unattended-upgrades
  fi
  printf 'APT::Periodic::%s "%s";\n' Update-Package-Lists $number Unattended-Upgrade $number > "$file.new"
  if cmp -s "$file.new" "$file"; then rm "$file.new"; else
    mv "$file.new" "$file"
    echo "unattended upgrades are $UPGRADES"
  fi
elif command -v dnf > /dev/null; then
  timer=dnf-automatic-install.timer
  if [ "$UPGRADES" = on ]; then
    rpm -q dnf-automatic > /dev/null || dnf install -y -q dnf-automatic
    systemctl is-enabled --quiet $timer || systemctl enable --now $timer
  else
    for timer in dnf-automatic.timer dnf-automatic-install.timer dnf5-automatic.timer; do
      if systemctl is-enabled --quiet "$timer" 2> /dev/null; then systemctl disable --now "$timer"; fi
    done
  fi
else
  echo "upgrades: neither apt nor dnf is here" >&2
  exit 1
fi
