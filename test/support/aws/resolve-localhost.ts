import dns from "node:dns";
import { afterAll, beforeAll } from "vitest";

/** RFC 6761: names below localhost are this computer; not every resolver knows. For virtual-host style at a test server. */
export function resolveLocalhost(): void {
  const lookup = dns.lookup;
  beforeAll(() => {
    const patched = (name: string, options: dns.LookupAllOptions, done: (...answer: unknown[]) => void): void =>
      void (name.endsWith(".localhost") ? lookup("127.0.0.1", options, done) : lookup(name, options, done));
    Object.assign(dns, { lookup: patched });
  });
  afterAll(() => void Object.assign(dns, { lookup }));
}
