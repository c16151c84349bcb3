import type { CommandSpec } from "../command.ts";

export const certCommands: readonly CommandSpec[] = [
  {
    name: "cert new",
    group: "store",
    summary:
      "Make the project's own CA for one DNS zone: its root, and an issuer whose key the service bootlace/test uses",
    arguments: [{ name: "zone", summary: "Only names below it can be certified", kind: "text" }],
    examples: [
      { command: "bootlace cert new test.example.com", summary: "then commit certs/ and place the issuer as a secret" },
    ],
    load: () => import("../../commands/cert-new.ts"),
  },
  {
    name: "cert renew",
    group: "store",
    summary: "Make a new issuer by the root that exists: clients need nothing new",
    examples: [{ command: "bootlace cert renew", summary: "once a quarter, or when an issuer's key may be known" }],
    load: () => import("../../commands/cert-renew.ts"),
  },
];
