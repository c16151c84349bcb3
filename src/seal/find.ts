export interface Find {
  /** In the machine, absolute. */
  readonly path: string;
  readonly what: string;
  /** Whose file it is, where that is known. */
  readonly service?: string;
}

export function findAt(path: string, what: string): Find {
  const service = ownerOf(path);
  return { path, what, ...(service ? { service } : {}) };
}

/** Bootlace's own folders tell whose file it is. */
function ownerOf(path: string): string | undefined {
  const own =
    /^\/var\/lib\/bootlace\/(?:state|destroy|bundles\/[0-9a-f]+\/services)\/(bootlace\/[a-z0-9-]+|[a-z0-9-]+)\//.exec(
      path,
    );
  return own?.[1]?.replace("~", "/");
}
