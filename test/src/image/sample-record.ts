import type { ImageRecord } from "../../../src/image/image-record.ts";

/** A record with everything that there may be in one. */
export function sampleRecord(name: string, id: string, more: Partial<ImageRecord> = {}): ImageRecord {
  return {
    format: 3,
    revision: 1,
    name,
    id,
    state: "good",
    provenance: "built",
    desk: { host: "desk1", dir: "/srv/shop" },
    created: 1_795_000_000_000,
    times: { began: 1_794_999_000_000, captured: 1_794_999_900_000, proven: 1_795_000_000_000 },
    provider: "ec2",
    arch: "x86_64",
    key: "a".repeat(64),
    keyParts: { format: 1, base: "ami-1 eu-west-1 x86_64", services: { shop: "b".repeat(64) } },
    base: "ami-1 eu-west-1 x86_64",
    lineage: `${name}/${id}`,
    roots: ["shop"],
    services: [{ name: "shop", digest: "b".repeat(64) }],
    params: { shop: { workers: { value: 8, from: "image" }, hosts: { value: ["a", "b"], from: "project" } } },
    secrets: ["shop.dbPassword"],
    bundle: "c".repeat(64),
    runtime: "system",
    builder: "0.2.0",
    packages: ["bash 5.2.15-2", "openssl 3.0.17-1"],
    inventory: {
      units: ["ssh.service"],
      users: ["root 0 0 /root /bin/bash"],
      ports: ["tcp *:80"],
      files: { shop: { "/srv/shop/app": "d".repeat(16) }, machine: { "/etc/shop ü.conf": "e".repeat(16) } },
    },
    origin: { ami: `ami-${name}`, region: "eu-west-1", snapshots: "snap-1 snap-2" },
    layers: [],
    bytes: 8 * 1024 ** 3,
    copies: [{ region: "eu-central-1", origin: { ami: "ami-2", region: "eu-central-1" } }],
    tags: { release: "42" },
    ...more,
  };
}
