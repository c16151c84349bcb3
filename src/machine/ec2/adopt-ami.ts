import { BootlaceError } from "../../../stage2/index.ts";
import type { Adopted } from "../machine.ts";
import { bytesOf, snapshotsOf } from "./await-ami.ts";
import { ec2Client } from "./ec2-client.ts";
import type { AmiNotes } from "./ec2-spec.ts";
import { loginOf } from "./login-of.ts";
import { amiById, assertUsable } from "./resolve-ami.ts";

const AMI_ID = /^ami-[0-9a-f]{8}(?:[0-9a-f]{9})?$/;

/**
 * Describes an AMI that was made by hand as one of the project's.
 *
 * @throws {BootlaceError} `E_USAGE` for what is no AMI's id; `E_EC2_BASE` when it is not there, cannot be used, or nobody
 * knows who logs in.
 */
export async function adoptAmi(id: string, region: string | undefined, login: string | undefined): Promise<Adopted> {
  if (!AMI_ID.test(id))
    throw new BootlaceError("E_USAGE", `Expected an AMI's id such as ami-0123456789abcdef0, ${id} came`);
  const api = await ec2Client(region);
  const at = await api.config.region();
  const image = await amiById(api, id);
  const {
    Name: name = id,
    Architecture: arch,
    RootDeviceName: rootDevice,
    OwnerId: owner = "",
    ImageOwnerAlias,
  } = image;
  assertUsable(image, at);
  if (arch !== "x86_64" && arch !== "arm64")
    throw new BootlaceError("E_EC2_BASE", `${id} (${name}) is ${arch}, expected x86_64 or arm64`);
  const notes: AmiNotes = {
    id,
    name,
    architecture: arch,
    rootDevice: rootDevice ?? "",
    owner,
    alias: ImageOwnerAlias ?? "",
  };
  const { Images: own = [] } = await api.describeImages({
    Owners: ["self"],
    Filters: [{ Name: "image-id", Values: [id] }],
  });
  return {
    arch,
    created: Date.parse(image.CreationDate ?? "") || Date.now(),
    bytes: bytesOf(image),
    origin: {
      ami: id,
      region: at,
      snapshots: own.length > 0 ? snapshotsOf(image).join(" ") : "",
      ...(own.length > 0 ? {} : { foreign: owner }),
      rootDevice: notes.rootDevice,
      arch,
      login: loginOf(notes, login),
      from: `${id} (${name}), made by hand`,
      name,
    },
    warnings: [
      ...(own.length > 0
        ? []
        : [`it belongs to the account ${owner}, which may take it away; \`image rm\` only forgets it`]),
      ...(image.ImdsSupport === "v2.0"
        ? []
        : ["it does not ask for IMDSv2 by itself; instances that Bootlace starts do"]),
    ],
  };
}
