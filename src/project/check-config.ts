import { BootlaceError, orderNodes, type Place } from "../../stage2/index.ts";
import { didYouMean } from "../cli/did-you-mean.ts";
import { fitsRange } from "../cli/fits-range.ts";
import { VERSION } from "../cli/version.ts";
import { AWS_REGION } from "../manifest/names.ts";
import type { ImageConfig, MachineConfig, ProjectConfig } from "../manifest/project-schema.ts";
import type { SourceFile } from "../manifest/source-file.ts";
import { s3Settings } from "../store/s3-settings.ts";
import { checkCopies } from "./check-copies.ts";
import type { FaultList } from "./fault-list.ts";

/** Checks what the schema of bootlace.yaml cannot say by itself, services and their parameters apart. */
export function checkConfig(
  config: ProjectConfig,
  source: SourceFile,
  faults: FaultList,
  { signed }: { readonly signed: boolean },
): void {
  if (config.bootlace !== undefined && !fitsRange(VERSION, config.bootlace)) {
    faults.error(
      "E_TOOL_VERSION",
      `The project wants Bootlace ${config.bootlace}, this is ${VERSION}`,
      source.place(["bootlace"]),
    );
  }
  checkBoot(config, source, faults, signed);
  checkS3(config, source, faults);
  for (const [name, image] of Object.entries(config.images)) checkFrom("images", name, image, config, source, faults);
  for (const [name, machine] of Object.entries(config.machines))
    checkFrom("machines", name, machine, config, source, faults);
  checkImageCycles(config, source, faults);
  checkCopies(config, source, faults);
  for (const [name, group] of Object.entries(config.groups)) {
    const kinds = (["hosts", "asg", "tag"] as const).filter((kind) => group[kind] !== undefined);
    if (kinds.length !== 1) {
      const came = kinds.length === 0 ? "none" : kinds.join(" and ");
      faults.error("E_VALUE", `Expected one of hosts, asg, tag; ${came} came`, source.place(["groups", name], "key"));
    }
  }
  for (const name of Object.keys(config.machines)) {
    if (Object.hasOwn(config.images, name)) {
      faults.error(
        "E_CLASH",
        `"${name}" is an image and a machine, so a command could mean either`,
        source.place(["machines", name], "key"),
        {
          related: { message: "the image", place: source.place(["images", name], "key") },
        },
      );
    }
  }
}

function checkBoot(
  { boot, store, images }: ProjectConfig,
  source: SourceFile,
  faults: FaultList,
  signed: boolean,
): void {
  if (boot.auth === "keys" && boot.keysFile === undefined) {
    faults.error("E_MISSING_KEY", "`auth: keys` needs a `keysFile`", source.place(["boot", "auth"]));
  }
  if (boot.follow === "none") return;
  const follow = source.place(["boot", "follow"]);
  const related = { message: "the store", place: source.place(["store"]) };
  if (/[?&](?:X-Amz-Signature|Signature|sig|token)=/i.test(store)) {
    faults.error("E_FOLLOW", "A presigned URL runs out, and machines must fetch the channel at every boot", follow, {
      related,
    });
  } else if (boot.auth !== "none" && !store.startsWith("s3:")) {
    faults.error(
      "E_FOLLOW",
      `\`auth: ${boot.auth}\` signs requests to S3, and the store is none`,
      source.place(["boot", "auth"]),
      { related },
    );
  } else if (!/^(?:s3|https?|file):/.test(store)) {
    faults.warning(
      "E_FOLLOW",
      `The store "${store}" is a folder at this desk: other machines cannot follow a channel in it`,
      follow,
    );
  } else if (boot.auth === "keys" && !boot.allowBakedKeys && Object.keys(images).length > 0) {
    faults.error(
      "E_FOLLOW",
      "Machines made from these images find no keys file unless the image holds one, and `allowBakedKeys` is not set",
      source.place(["boot", "auth"]),
      { suggestion: "use `auth: role`, or `allowBakedKeys: true` when everybody who has the image may have the keys" },
    );
  } else if (!signed) {
    faults.error(
      "E_NO_KEY",
      "Machines follow only what is signed, and the project has no key: trust/ holds none",
      follow,
      { suggestion: "get trust/ from the desk that deployed before; if nobody did: bootlace key new" },
    );
  }
}

function checkS3({ store, region, s3 }: ProjectConfig, source: SourceFile, faults: FaultList): void {
  // Other endpoints call their regions as they like: fr-par, us-west-004, auto.
  if (region !== undefined && s3?.endpoint === undefined && !AWS_REGION.test(region)) {
    const message = `Expected a region of AWS such as eu-west-1, the text "${region}" came`;
    faults.error("E_VALUE", message, source.place(["region"]), {
      suggestion: "a region of another kind needs its `endpoint` under `s3:`",
    });
  }
  if (!store.startsWith("s3:")) {
    if (s3 !== undefined) {
      faults.warning("E_VALUE", "`s3` says how to get at a bucket, and the store is none", source.place(["s3"], "key"));
    }
    return;
  }
  try {
    s3Settings(store, { region, ...s3 });
  } catch (error) {
    if (!(error instanceof BootlaceError)) throw error;
    faults.error("E_STORE_URL", error.message, source.place(["store"]), { suggestion: error.hint });
  }
}

type Kind = "images" | "machines";

function checkFrom(
  kind: Kind,
  name: string,
  given: ImageConfig | MachineConfig,
  config: ProjectConfig,
  source: SourceFile,
  faults: FaultList,
): void {
  const { from, on } = given;
  const at = (): Place => source.place([kind, name, "from"]);
  if (typeof from === "string") {
    const parent = config.images[from];
    if (parent === undefined) {
      const near = didYouMean(from, Object.keys(config.images));
      faults.error("E_UNKNOWN_IMAGE", `No image is called "${from}"`, at(), {
        suggestion: near && `did you mean "${near}"?`,
      });
    } else if (on !== undefined && parent.on !== undefined && parent.on !== on) {
      faults.error(
        "E_VALUE",
        `The image ${from} is made on ${parent.on}, and cannot start on ${on}`,
        source.place([kind, name, "on"]),
        {
          related: { message: "its provider", place: source.place(["images", from, "on"]) },
        },
      );
    }
    return;
  }
  if (from === undefined) {
    if (on === "qemu" || on === "ec2") {
      faults.error(
        "E_MISSING_KEY",
        `On ${on} the key "from" must say what it starts from`,
        source.place([kind, name], "key"),
      );
    }
    return;
  }
  const { sha256, owner, ...bases } = from;
  const kinds = Object.keys(bases);
  if (kinds.length !== 1) {
    faults.error(
      "E_VALUE",
      `Expected one of ami, name, ssm, debian, url, file, root, host; ${kinds.join(" and ") || "none"} came`,
      at(),
    );
  } else if (from.url !== undefined && sha256 === undefined) {
    faults.error("E_MISSING_KEY", "`url` needs a `sha256`: what is downloaded must be what was meant", at());
  }
  if (from.name !== undefined && owner === undefined)
    faults.error("E_MISSING_KEY", "`name` needs an `owner`: anybody may give an AMI that name", at());
  const fits = {
    ami: "ec2",
    name: "ec2",
    ssm: "ec2",
    debian: "qemu",
    url: "qemu",
    file: "qemu",
    root: "sandbox",
    host: "sandbox",
  };
  for (const [base, provider] of Object.entries(fits)) {
    if (kinds.includes(base) && (on ?? "sandbox") !== provider) {
      faults.error(
        "E_VALUE",
        `\`${base}\` is for ${provider}, this one is on ${on ?? "sandbox"}`,
        source.place([kind, name, "from", base], "key"),
      );
    }
  }
}

function checkImageCycles({ images }: ProjectConfig, source: SourceFile, faults: FaultList): void {
  const nodes = Object.entries(images).map(([name, { from }]) => ({
    name,
    before: typeof from === "string" ? [from] : [],
  }));
  const ordering = orderNodes(nodes);
  if (ordering.ok) return;
  const [first = ""] = ordering.cycle;
  faults.error(
    "E_IMAGE_CYCLE",
    `Images are made from each other in a circle: ${[...ordering.cycle, first].join(" → ")}`,
    source.place(["images", first, "from"]),
  );
}
