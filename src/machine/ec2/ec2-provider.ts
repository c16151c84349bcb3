import { throwIfAborted } from "../../session/abort.ts";
import type { Provider, Stepping } from "../machine.ts";
import { claimJson, readJson } from "../machine-folder.ts";
import { nameTaken } from "../name-taken.ts";
import { adoptAmi } from "./adopt-ami.ts";
import { createInstance } from "./create-instance.ts";
import { assertCredentials, ec2Client } from "./ec2-client.ts";
import { Ec2Machine, type Ec2Pace } from "./ec2-machine.ts";
import { type Ec2Instance, type Ec2Spec, filesOf } from "./ec2-spec.ts";
import { findLeftovers } from "./leftovers.ts";
import { markAmi, resourcesOf } from "./mark-ami.ts";
import { archFor, planInstance, regionOf } from "./plan-instance.ts";
import { publishAmi } from "./publish-ami.ts";
import { removeAmi } from "./remove-ami.ts";
import { resolveAmi } from "./resolve-ami.ts";
import { usersOfAmi } from "./users-of-ami.ts";

export interface Ec2Options extends Partial<Ec2Pace> {
  /** Answers the address that a request came from. */
  readonly checkip?: string;
}

/** AWS's own ("Authorize inbound traffic", Amazon EC2 User Guide). */
const CHECKIP = "https://checkip.amazonaws.com";

/** Instances of Amazon EC2. The SDK is loaded when the first call is made. */
export function ec2Provider({
  checkip = CHECKIP,
  every = 3_000,
  bootWithin = 600_000,
  keysWithin,
}: Ec2Options = {}): Provider {
  const pace: Ec2Pace = { every, bootWithin, ...(keysWithin === undefined ? {} : { keysWithin }) };
  return {
    name: "ec2",
    lacks: [],
    bases: ["ami", "layers"],
    // AWS's own Amazon Linux, where nobody says.
    defaultBase: {
      kind: "ami",
      which: { ssm: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{arch}" },
    },
    assertAvailable: assertCredentials,
    async baseState(base, { arch, hardware, signal } = {}) {
      if (base.kind === "layers") return `${base.origin.ami} ${base.origin.region}`;
      const api = await ec2Client(regionOf(base, hardware));
      const { id, architecture } = await resolveAmi(api, base, archFor(base, arch), signal);
      return `${id} ${await api.config.region()} ${architecture}`;
    },
    imageSettings({ ec2: { volume, imds } = {} }) {
      if (volume === undefined && imds === undefined) return undefined;
      return { ...(volume && { volume }), ...(imds && { imds }) };
    },
    describeOrigin: ({ from = "an AMI" }) => from,
    locate: ({ ami, region }) => `${ami} in ${region}`,
    imageId: ({ ami }) => ami,
    async launch(spec, signal) {
      throwIfAborted(signal);
      const files = filesOf(spec.dir, spec.name);
      if ((await readJson(files.spec)) !== undefined) throw nameTaken(spec.name);
      const made = await planInstance(spec, checkip, signal);
      throwIfAborted(signal);
      // The record first: whatever is made from here on can be found by its names and tags, and removed.
      if (!(await claimJson(files.spec, made))) throw nameTaken(spec.name);
      try {
        const api = await ec2Client(made.region);
        const step: Stepping = spec.step ?? ((_name, act) => act());
        const { id = made.token } = await step("create", () => createInstance(api, made, files, every, signal));
        const machine = new Ec2Machine(spec.dir, made, files, id, pace);
        await machine.start(signal, step);
        return machine;
      } catch (error) {
        // What cannot be removed now has its record still, for `destroy` and `gc`.
        await new Ec2Machine(spec.dir, made, files, made.token, pace).dispose().catch(() => {});
        throw error;
      }
    },
    async find(dir, name) {
      const files = filesOf(dir, name);
      const spec = await readJson<Ec2Spec>(files.spec);
      if (spec?.provider !== "ec2") return undefined;
      const { id = spec.token } = (await readJson<Ec2Instance>(files.instance)) ?? {};
      return new Ec2Machine(dir, spec, files, id, pace);
    },
    unused: async () => [],
    keepImage: markAmi,
    publishImage: (image, tools) => publishAmi(image, tools, every),
    usersOf: ({ ami = "", region }) => usersOfAmi(ami, region),
    async deprecateImage({ ami = "", region, foreign }, at) {
      if (foreign !== undefined) return;
      const api = await ec2Client(region);
      if (at === undefined) await api.disableImageDeprecation({ ImageId: ami });
      else await api.enableImageDeprecation({ ImageId: ami, DeprecateAt: new Date(at) });
    },
    async tagImage(origin, tags) {
      const api = await ec2Client(origin.region);
      const Resources = resourcesOf(origin);
      const given = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
      const [Tags, gone] = [given.filter(({ Value }) => Value !== ""), given.filter(({ Value }) => Value === "")];
      if (Tags.length > 0) await api.createTags({ Resources, Tags });
      if (gone.length > 0) await api.deleteTags({ Resources, Tags: gone.map(({ Key }) => ({ Key })) });
    },
    adoptImage: adoptAmi,
    async isImageGone({ ami = "", region }) {
      const Filters = [{ Name: "image-id", Values: [ami] }];
      return ((await (await ec2Client(region)).describeImages({ Filters })).Images ?? []).length === 0;
    },
    async removeImage({ ami = "", region, snapshots = "", foreign }) {
      // Another account's, taken in by hand: not ours to remove.
      if (foreign !== undefined) return;
      await removeAmi(await ec2Client(region), ami, snapshots.split(" ").filter(Boolean));
    },
    leftovers: (dir, now, builds) => findLeftovers(dir, now, builds, every),
  };
}
