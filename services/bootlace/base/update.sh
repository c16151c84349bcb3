#!/bin/sh -eu
# Says what it changes; a second time there is nothing to say.
./users.sh
./upgrades.sh
./swap.sh
