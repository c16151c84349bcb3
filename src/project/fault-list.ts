import type { ErrorCode, Fault, Place } from "../../stage2/index.ts";

interface More {
  readonly suggestion?: string | undefined;
  readonly related?: { readonly message: string; readonly place: Place } | undefined;
}

/** Collects what is wrong, so that everything is reported at once. */
export class FaultList {
  readonly all: Fault[] = [];

  error(code: ErrorCode, message: string, place: Place | undefined, more: More = {}): void {
    this.#add("error", code, message, place, more);
  }

  warning(code: ErrorCode, message: string, place: Place | undefined, more: More = {}): void {
    this.#add("warning", code, message, place, more);
  }

  get errors(): readonly Fault[] {
    return this.all.filter(({ severity }) => severity === "error");
  }

  get warnings(): readonly Fault[] {
    return this.all.filter(({ severity }) => severity === "warning");
  }

  #add(severity: Fault["severity"], code: ErrorCode, message: string, place: Place | undefined, more: More): void {
    const { suggestion, related } = more;
    this.all.push({
      code,
      severity,
      message,
      ...(place ? { place } : {}),
      ...(related ? { related } : {}),
      ...(suggestion ? { suggestion } : {}),
    });
  }
}

/** By file, then line, then column: the order in which somebody fixes them. */
export function sortFaults(faults: readonly Fault[]): Fault[] {
  const key = ({ place }: Fault): readonly [string, number, number] => [
    place?.file ?? "",
    place?.line ?? 0,
    place?.column ?? 0,
  ];
  return [...faults].sort((a, b) => {
    const [fileA, lineA, columnA] = key(a);
    const [fileB, lineB, columnB] = key(b);
    return fileA < fileB ? -1 : fileA > fileB ? 1 : lineA - lineB || columnA - columnB;
  });
}
