import type { ProjectConfig } from "../manifest/project-schema.ts";
import type { SourceFile } from "../manifest/source-file.ts";
import type { FaultList } from "./fault-list.ts";

/**
 * Checks where AMIs are to be copied and with whom they are to be shared. An AMI that is encrypted with the account's
 * default key cannot be shared ("Share encrypted snapshots", Amazon EBS User Guide), which EC2 says after the build.
 */
export function checkCopies({ images, region }: ProjectConfig, source: SourceFile, faults: FaultList): void {
  for (const [name, { ec2 }] of Object.entries(images)) {
    if (!ec2) continue;
    const at = (...more: readonly (string | number)[]) => source.place(["images", name, "ec2", ...more]);
    const { copies = [], share, volume } = ec2;
    const seen = new Set([ec2.region ?? region]);
    const keyless = copies.filter((copy) => typeof copy === "string" || copy.kmsKey === undefined);
    for (const [index, copy] of copies.entries()) {
      const to = typeof copy === "string" ? copy : copy.region;
      if (seen.has(to)) faults.error("E_VALUE", `The image is in ${to} already`, at("copies", index));
      seen.add(to);
    }
    if (share === undefined || volume?.encrypted !== true) continue;
    const suggestion = "name a key of your own, and let the others use it";
    if (volume.kmsKey === undefined)
      faults.error("E_VALUE", "What is encrypted with the account's default key cannot be shared", at("share"), {
        suggestion: `${suggestion}: \`volume: {kmsKey: …}\``,
      });
    else if (keyless.length > 0)
      faults.error(
        "E_VALUE",
        "A copy that is encrypted with the account's default key cannot be shared",
        at("copies"),
        {
          suggestion: `${suggestion}: \`{region: …, kmsKey: …}\``,
        },
      );
  }
}
