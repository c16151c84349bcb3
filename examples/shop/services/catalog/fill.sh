#!/bin/sh -eu
cp products.json "$BOOTLACE_STATE/products.json"
echo "FILE=$BOOTLACE_STATE/products.json" > "$BOOTLACE_OUTPUT"
