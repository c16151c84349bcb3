#!/bin/sh -eu
# Accounts of the param `users`: made where they are missing, keys exactly those of the param, locked out when they have left it.
known=$BOOTLACE_STATE/users
[ -e "$known" ] || : > "$known"
logins=$(printf '%s\n' "$USERS" | awk 'NF { print $1 }' | sort -u)

# as LOGIN COMMAND: root itself writes nothing in a folder that somebody else may fill with links.
as() { su -s /bin/sh "$1" -c "$2"; }

add() {
  if command -v useradd > /dev/null; then
    useradd --create-home --user-group --shell /bin/bash "$1"
  else
    adduser -D -s /bin/sh "$1" # busybox; `*` is no password, and lets keys in, where `!` would not
    echo "$1:*" | chpasswd -e 2> /dev/null
  fi
  echo "$1 was made"
}

for login in $logins; do
  case $login in
    root | *[!a-z0-9_-]* | [!a-z_]*)
      echo "users: $login is no login that can be made here" >&2
      exit 1
      ;;
  esac
done
for login in $logins; do
  id -u "$login" > /dev/null 2>&1 || add "$login"
  # Noted before its keys: somebody who is let in is always known.
  grep -qx "$login" "$known" || echo "$login" >> "$known"
  if command -v chage > /dev/null && [ "$(awk -F: -v login="$login" '$1 == login { print $8 }' /etc/shadow)" = 1 ]; then
    chage --expiredate -1 "$login"
    echo "$login may log in again"
  fi
  # shellcheck disable=SC2016 # what is in quotes is for the other shell
  printf '%s\n' "$USERS" | awk -v login="$login" '$1 == login { sub(/^[ \t]*[^ \t]+[ \t]+/, ""); print }' |
    as "$login" 'umask 077 && mkdir -p ~/.ssh && chmod 700 ~/.ssh && cd ~/.ssh && cat > bootlace.new &&
      if cmp -s bootlace.new authorized_keys; then rm bootlace.new; else
        mv bootlace.new authorized_keys && echo "keys of $LOGNAME changed"
      fi'
done

while read -r login; do
  printf '%s\n' "$logins" | grep -qx "$login" && continue
  if id -u "$login" > /dev/null 2>&1; then
    as "$login" 'rm -f ~/.ssh/authorized_keys' < /dev/null
    if command -v chage > /dev/null; then chage --expiredate 1 "$login"; fi
  fi
  echo "$login is locked out"
done < "$known"
printf '%s\n' "$logins" | awk NF > "$known.new"
mv -f "$known.new" "$known"

rules=/etc/sudoers.d/bootlace-base
if [ -z "$SUDO" ]; then
  rm -f "$rules"
else
  install -d -m 750 /etc/sudoers.d
  for login in $SUDO; do
    printf '%s\n' "$logins" | grep -qx "$login" || {
      echo "sudo: $login is not in users" >&2
      exit 1
    }
    echo "$login ALL=(ALL:ALL) NOPASSWD: ALL"
  done > "$BOOTLACE_STATE/sudoers"
  install -m 440 "$BOOTLACE_STATE/sudoers" "$rules"
fi
