import { BootlaceError } from "../../stage2/index.ts";
import { hashStream } from "../artifacts/hash-file.ts";
import type { Layer } from "./machine.ts";

/** @throws {BootlaceError} `E_IMAGE_DAMAGED` for a file that is not what its name says. */
export async function assertLayer(layer: Layer): Promise<void> {
  const came = await hashStream(layer.file).then(
    ({ digest }) => digest,
    (error: Error) => error.message,
  );
  if (came !== layer.digest)
    throw new BootlaceError("E_IMAGE_DAMAGED", `${layer.file}: expected digest ${layer.digest}, came ${came}`);
}
