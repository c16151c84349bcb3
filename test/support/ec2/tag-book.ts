import type { Tag, TagSpecification } from "@aws-sdk/client-ec2";
import { ApiError } from "./protocol/api-error.ts";

/** The tags of a region's resources, by id. */
export class TagBook {
  readonly #tags = new Map<string, Map<string, string>>();

  of(id: string | undefined): Tag[] {
    return [...(this.#tags.get(id ?? "") ?? [])].map(([Key, Value]) => ({ Key, Value }));
  }

  /** @throws {ApiError} for what AWS refuses: a key of its own, too long, too many. */
  add(id: string, tags: readonly Tag[]): void {
    const own = this.#tags.get(id) ?? new Map<string, string>();
    for (const { Key = "", Value = "" } of tags) {
      if (Key === "") throw new ApiError("InvalidParameterValue", "Tag keys must not be empty");
      if (/^aws:/i.test(Key))
        throw new ApiError("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use");
      if (Key.length > 128 || Value.length > 256)
        throw new ApiError("InvalidParameterValue", `Tag ${Key} exceeds the maximum length`);
      own.set(Key, Value);
    }
    if (own.size > 50) throw new ApiError("TagLimitExceeded", `The maximum number of Tags for ${id} has been reached`);
    this.#tags.set(id, own);
  }

  /** Tags of AWS's own, which nobody else may give: `aws:autoscaling:groupName`. */
  addOwn(id: string, tags: Readonly<Record<string, string>>): void {
    const own = this.#tags.get(id) ?? new Map<string, string>();
    for (const [key, value] of Object.entries(tags)) own.set(key, value);
    this.#tags.set(id, own);
  }

  /** A tag without value is removed whatever its value is. */
  remove(id: string, tags: readonly Tag[] | undefined): void {
    const own = this.#tags.get(id);
    if (tags === undefined) own?.clear();
    for (const { Key = "", Value } of tags ?? []) if (Value === undefined || own?.get(Key) === Value) own?.delete(Key);
  }

  forget(id: string): void {
    this.#tags.delete(id);
  }

  ids(): readonly string[] {
    return [...this.#tags.keys()];
  }
}

/**
 * Tags given at creation, by what they are for.
 *
 * @param allowed resource types that the action makes; others are refused, as AWS does.
 */
export function specifiedTags(
  specifications: readonly TagSpecification[] | undefined,
  allowed: readonly string[],
): Readonly<Record<string, readonly Tag[]>> {
  const found: Record<string, readonly Tag[]> = {};
  for (const { ResourceType: type = "instance", Tags = [] } of specifications ?? []) {
    if (!allowed.includes(type))
      throw new ApiError(
        "InvalidParameterValue",
        `'${type}' is not a valid taggable resource type for this operation.`,
      );
    if (found[type])
      throw new ApiError("InvalidParameterValue", `Duplicate resource type '${type}' in tag specifications`);
    // Found out before anything is made.
    new TagBook().add("probe", Tags);
    found[type] = Tags;
  }
  return found;
}

/**
 * Tags that the metadata service shows are parts of its paths ("View tags for your EC2 instances using instance metadata",
 * Amazon EC2 User Guide): no blanks, no slashes.
 *
 * @throws {ApiError} `InvalidParameterValue`.
 */
export function assertMetadataKeys(tags: readonly Tag[]): void {
  for (const { Key = "" } of tags)
    if (!/^[0-9a-zA-Z\-_+=,.@:]{1,255}$/.test(Key) || [".", "..", "_index"].includes(Key))
      throw new ApiError(
        "InvalidParameterValue",
        `'${Key}' is not a valid tag key. Tag keys must match pattern ([0-9a-zA-Z\\-_+=,.@:]{1,255}), and must not be a reserved name ('.', '..', '_index')`,
      );
}
