import { BootlaceError, type Event } from "../../../stage2/index.ts";
import { providerNamed } from "../../machine/providers.ts";
import { Link } from "../../machine/run/link.ts";
import { assertRunEnded, followBoot } from "../../machine/run/run-phase.ts";
import { bringUp } from "../../machine/up.ts";
import { buildImage } from "../build/build-image.ts";
import type { DemoProject } from "./demo-project.ts";
import { assertInitsFirst } from "./late-service.ts";

export interface DemoOptions {
  readonly project: DemoProject;
  readonly report: (event: Event) => void;
  /** Says what comes next. */
  readonly title: (text: string) => void;
  /** Says what came of it. */
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

/** One line of the demo's timeline; milliseconds. */
export interface DemoPart {
  readonly what: string;
  readonly ms: number;
}

/** The whole way on a copy of examples/shop: image, first boot, second boot, one more service, a page over HTTP. */
export async function runDemo({ project, report, title, note, signal }: DemoOptions): Promise<readonly DemoPart[]> {
  const { dir, port } = project;
  const provider = providerNamed("sandbox");
  const parts: DemoPart[] = [];
  const part = async (what: string, act: () => Promise<void>): Promise<void> => {
    title(what);
    const began = performance.now();
    await act();
    parts.push({ what, ms: Math.round(performance.now() - began) });
  };
  const build = async (image: string) => void (await buildImage({ dir, image, provider, report, signal }));
  const up = async (services: readonly string[], onEvent: (event: Event) => void) => {
    const { close } = await bringUp({ dir, target: "web", services, onEvent, signal });
    assertRunEnded(close, "machine web");
  };
  await part("build the image base from this computer", () => build("base"));
  await part("build the image web from base", () => build("web"));
  await part("boot a machine from web: no init, only updates", () => up([], report));
  await part("boot it again", () => reboot(dir, report, signal));
  await part("ask for search as well: its init and that of index, which it requires, before every update", async () => {
    const events: Event[] = [];
    await up(["+search"], (event) => {
      events.push(event);
      report(event);
    });
    assertInitsFirst(events, ["index.init", "search.init"]);
  });
  await part(`fetch http://127.0.0.1:${port}/`, () => fetchPage(port, note, signal));
  return parts;
}

async function reboot(dir: string, onEvent: (event: Event) => void, signal: AbortSignal): Promise<void> {
  const machine = await providerNamed("sandbox").find(dir, "web");
  if (!machine) throw new BootlaceError("E_MACHINE_UNKNOWN", "The demo's machine is gone");
  await machine.stop();
  await machine.start(signal);
  const link = new Link(machine);
  try {
    assertRunEnded(await followBoot(link, { onEvent, signal }), "machine web");
  } finally {
    await link.close();
  }
}

async function fetchPage(port: number, note: (text: string) => void, signal: AbortSignal): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/`, { signal });
  const page = await answer.text();
  if (!answer.ok) throw new BootlaceError("E_RUN_FAILED", `The page answered ${answer.status}: ${page.slice(0, 200)}`);
  const name = /<h1>(.*?)<\/h1>/.exec(page)?.[1] ?? page.slice(0, 60);
  note(`${answer.status}, ${page.length} bytes: "${name}"`);
}
