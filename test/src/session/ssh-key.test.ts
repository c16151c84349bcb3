import ssh2 from "ssh2";
import { expect, test } from "vitest";
import { makeSshKey, publicKeyBlob } from "../../../src/session/ssh-key.ts";

test("makeSshKey() makes only keys that can be read, and whose halves belong together", () => {
  for (let count = 0; count < 1500; count += 1) {
    const pair = makeSshKey("a key");
    const key = ssh2.utils.parseKey(pair.private);
    if (key instanceof Error) throw key;
    expect((Array.isArray(key) ? key[0] : key).getPublicSSH()).toEqual(publicKeyBlob(pair.public));
  }
});
