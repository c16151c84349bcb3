import { spawn } from "node:child_process";
import { access, constants, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What probe.s makes. */
const CODE =
  "+jHAjtiOwI7QvAB8vwAQZjHAuQAM/Gbzq2bHBgAQAyAAAGbHBgAgAzAAAGbHBgAwgwAAAA8BFsh8ZrgAEAAADyLYDyDgZg0gBgAA" +
  "DyLgZrmAAADADzJmDQABAAAPMA8gwGaD4PtmDQMAAIAPIsDqc3wIALgBAAAAD6L3wQEAAAB0LLkALTEBSIPAA//JdfhIx8AHAAAA" +
  "ZkgPbsBmD9TAZkgPfsNIg/sOdQSwEOb0sBHm9PTr/Q8fAAAAAAAAAAAAAAAAAACaIAAPALh8AAA=";
/** isa-debug-exit ends QEMU with twice the value that the guest wrote, and one; the guest writes 0x10. */
const PASSED = 33;
/** TCG, which is slower than any KVM, needs a fifth of a second; milliseconds. */
const WITHIN = 5_000;

/**
 * Whether KVM really runs code: a boot sector that goes the first steps of a kernel. The device alone tells nothing:
 * inside of other machines it may be there and hang.
 *
 * @param argv for tests: what is run instead of QEMU.
 * @returns why not, for a person; undefined where it works.
 */
export async function probeKvm(argv?: (disk: string) => readonly string[]): Promise<string | undefined> {
  const refused = argv ? undefined : await deviceFault();
  if (refused !== undefined) return refused;
  const folder = await mkdtemp(join(tmpdir(), "bootlace-kvm-"));
  try {
    const disk = join(folder, "probe.raw");
    await writeFile(disk, bootSector());
    return await run((argv ?? kvmCommand)(disk));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function deviceFault(): Promise<string | undefined> {
  const refusal = await access("/dev/kvm", constants.R_OK | constants.W_OK).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error,
  );
  if (!refusal) return undefined;
  return refusal.code === "ENOENT" ? "there is no /dev/kvm" : `/dev/kvm cannot be opened (${refusal.code})`;
}

function kvmCommand(disk: string): readonly string[] {
  return ["qemu-system-x86_64", "-accel", "kvm", ...probeOptions(disk)];
}

/** The same for every accelerator. */
export function probeOptions(disk: string): readonly string[] {
  return [
    ...["-M", "pc", "-m", "16", "-nodefaults", "-no-user-config", "-display", "none"],
    ...["-device", "isa-debug-exit,iobase=0xf4,iosize=4"],
    ...["-drive", `format=raw,file=${disk},if=ide,snapshot=on`],
  ];
}

/** 512 bytes with the mark that a BIOS looks for. */
export function bootSector(): Buffer {
  const sector = Buffer.alloc(512);
  Buffer.from(CODE, "base64").copy(sector);
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

function run(argv: readonly string[]): Promise<string | undefined> {
  const [file = "", ...args] = argv;
  const child = spawn(file, args, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  let late = false;
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(0, 500);
  });
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, WITHIN);
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code) => {
      clearTimeout(timer);
      if (code === PASSED) return resolve(undefined);
      const words = said.trim().split("\n")[0];
      resolve(`${late ? `it hangs in a guest's first steps` : `QEMU ended with ${code}`}${words ? ` (${words})` : ""}`);
    });
  });
}
