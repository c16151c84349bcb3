#!/bin/sh -eu
# An init that was interrupted runs again: each line must bear that.
if ! id -u "$NAME" > /dev/null 2>&1; then
  if command -v useradd > /dev/null; then
    useradd --system --user-group --home-dir "$DIR" --no-create-home --shell /usr/sbin/nologin "$NAME"
  else
    adduser -S -D -H -h "$DIR" -s /sbin/nologin "$NAME" # busybox
  fi
fi
install -d -m 0755 -o "$(id -u "$NAME")" -g "$(id -g "$NAME")" "$DIR"

cat > "$BOOTLACE_OUTPUT" << END
NAME=$NAME
DIR=$DIR
UID=$(id -u "$NAME")
GID=$(id -g "$NAME")
END
