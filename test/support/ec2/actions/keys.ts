import { createHash } from "node:crypto";
import type {
  DeleteKeyPairRequest,
  DeleteKeyPairResult,
  DescribeKeyPairsRequest,
  DescribeKeyPairsResult,
  ImportKeyPairRequest,
  ImportKeyPairResult,
} from "@aws-sdk/client-ec2";
import type { Call } from "../cloud.ts";
import { ApiError } from "../protocol/api-error.ts";
import { filtered } from "../protocol/filters.ts";
import { makeId } from "../state.ts";
import { specifiedTags } from "../tag-book.ts";

const LINE = /^(ssh-ed25519|ssh-rsa) ([A-Za-z0-9+/]+=*)(?: .*)?$/;

export const keyActions = {
  ImportKeyPair({ region, input, commit }: Call<ImportKeyPairRequest>): ImportKeyPairResult {
    const { KeyName: name = "", PublicKeyMaterial = new Uint8Array() } = input;
    const line = Buffer.from(PublicKeyMaterial).toString().trim();
    const [, type, blob = ""] = LINE.exec(line) ?? [];
    if (type === undefined) throw new ApiError("InvalidKey.Format", "Key is not in valid OpenSSH public key format");
    if (name === "" || name.length > 255) throw new ApiError("InvalidParameterValue", "Invalid value for KeyName");
    const tags = specifiedTags(input.TagSpecifications, ["key-pair"])["key-pair"] ?? [];
    if ([...region.keys.values()].some(({ KeyName }) => KeyName === name))
      throw new ApiError("InvalidKeyPair.Duplicate", "The keypair already exists");
    commit();
    const made = {
      KeyPairId: makeId("key"),
      KeyName: name,
      KeyType: type === "ssh-rsa" ? ("rsa" as const) : ("ed25519" as const),
      KeyFingerprint: createHash("sha256").update(Buffer.from(blob, "base64")).digest("base64"),
      CreateTime: new Date(),
    };
    region.keys.set(made.KeyPairId, { ...made, line });
    region.tags.add(made.KeyPairId, tags);
    const { KeyPairId, KeyName, KeyFingerprint } = made;
    return { KeyPairId, KeyName, KeyFingerprint, Tags: region.tags.of(KeyPairId) };
  },

  /** One that is not there is no error. */
  DeleteKeyPair({ region, input, commit }: Call<DeleteKeyPairRequest>): DeleteKeyPairResult {
    const { KeyName, KeyPairId } = input;
    if (KeyName === undefined && KeyPairId === undefined)
      throw new ApiError("MissingParameter", "The request must contain the parameter KeyName or KeyPairId");
    commit();
    const found = [...region.keys.values()].find((key) => key.KeyPairId === KeyPairId || key.KeyName === KeyName);
    if (found?.KeyPairId === undefined) return { Return: true };
    region.keys.delete(found.KeyPairId);
    region.tags.forget(found.KeyPairId);
    return { Return: true, KeyPairId: found.KeyPairId };
  },

  DescribeKeyPairs({ region, input }: Call<DescribeKeyPairsRequest>): DescribeKeyPairsResult {
    const all = [...region.keys.values()];
    for (const [field, asked] of [
      ["KeyName", input.KeyNames],
      ["KeyPairId", input.KeyPairIds],
    ] as const)
      for (const value of asked ?? [])
        if (!all.some((key) => key[field] === value))
          throw new ApiError("InvalidKeyPair.NotFound", `The key pair '${value}' does not exist`);
    const { KeyNames: names, KeyPairIds: ids, IncludePublicKey: withKey } = input;
    const found = filtered(
      all.filter((key) => names?.includes(key.KeyName ?? "") ?? ids?.includes(key.KeyPairId ?? "") ?? true),
      input.Filters,
      {
        "key-name": (key) => [key.KeyName],
        "key-pair-id": (key) => [key.KeyPairId],
        fingerprint: (key) => [key.KeyFingerprint],
      },
      ({ KeyPairId }) => region.tags.of(KeyPairId),
    );
    return {
      KeyPairs: found.map(({ line, ...key }) => ({
        ...key,
        Tags: region.tags.of(key.KeyPairId),
        ...(withKey && { PublicKey: line }),
      })),
    };
  },
};
