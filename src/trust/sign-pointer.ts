import { verify } from "node:crypto";
import { BootlaceError } from "../../stage2/index.ts";
import { encodePointer, type Pointer, parsePointer, pointerBody } from "../deploy/pointer.ts";
import type { Signer } from "./signer.ts";
import type { TrustedKey } from "./trusted-key.ts";

/** 64 bytes in base64. */
const ED25519 = /^[A-Za-z0-9+/]{86}==$/;

/** The text of a pointer with one `sig <keyid> <base64>` line for each signer. */
export async function signPointer(pointer: Pointer, signers: readonly Signer[]): Promise<string> {
  const body = Buffer.from(pointerBody(pointer), "latin1");
  const lines = await Promise.all(
    signers.map(async ({ id, sign }) => `sig ${id} ${(await sign(body)).toString("base64")}`),
  );
  return encodePointer(pointer, lines);
}

/** The ids of the keys that a pointer says it was signed with; nothing is checked. */
export function signedBy(text: string): readonly string[] {
  const head = text.slice(0, Math.max(0, text.indexOf("\n\n")));
  return [...head.matchAll(/^sig ([0-9a-f]{16}) [A-Za-z0-9+/=]+$/gm)].map(([, id = ""]) => id);
}

/**
 * Reads a pointer that one of these keys signed, in an epoch that this key may sign. As strict as stage1: what is signed,
 * but not in the form that machines take, is refused too.
 *
 * @throws {BootlaceError} `E_POINTER_SIGNATURE` when none did; `E_POINTER`.
 */
export function verifyPointer(text: string, keys: readonly TrustedKey[]): Pointer {
  const gap = text.indexOf("\n\n");
  const head = text.slice(0, Math.max(0, gap)).split("\n").slice(1);
  const body = Buffer.from(text.slice(gap + 2), "latin1");
  const signed: TrustedKey[] = [];
  for (const line of head) {
    const [word, by, base64 = ""] = line.split(" ");
    const key = keys.find(({ id }) => id === by);
    if (word !== "sig" || key === undefined) continue;
    // Node passes over what is no base64; base64(1) of machines does not.
    const fits = ED25519.test(base64) && verify(null, body, key.publicKey, Buffer.from(base64, "base64"));
    if (!fits) {
      throw new BootlaceError(
        "E_POINTER_SIGNATURE",
        `The channel pointer was changed after key ${key.id} signed it: the signature does not fit what it says`,
      );
    }
    signed.push(key);
  }
  if (signed.length === 0) {
    const by = signedBy(text);
    throw new BootlaceError(
      "E_POINTER_SIGNATURE",
      `The channel pointer carries no signature of a key of this project: it is signed by ${list(by)}, trusted is ${list(keys.map(({ id }) => id))}`,
    );
  }
  const pointer = parsePointer(text);
  if (!signed.some(({ from, to }) => from <= pointer.epoch && pointer.epoch <= to)) {
    const ranges = signed.map(({ id, from, to }) => `${id} (epochs ${from} to ${to})`);
    throw new BootlaceError(
      "E_POINTER_SIGNATURE",
      `The channel pointer is of epoch ${pointer.epoch}, which its key may not sign: ${ranges.join(", ")}`,
    );
  }
  return pointer;
}

const list = (ids: readonly string[]): string => (ids.length === 0 ? "nobody" : ids.join(", "));
