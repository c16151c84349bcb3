import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type S3Key, type S3Options, type S3Request, type S3Server, startS3, TEST_KEY } from "./aws/s3-server.ts";
import { Stage1Rig } from "./stage1-rig.ts";

/** A machine whose store is a bucket: what stands in the rig's folder is there after publish(). */
export class S3Rig extends Stage1Rig {
  readonly s3: S3Server;

  constructor(s3: S3Server) {
    super();
    this.s3 = s3;
    this.writeKeys(TEST_KEY);
    this.follow();
  }

  /** boot.conf for the bucket below `shop/`, with the keys file; what is given stands instead. */
  follow(conf: Readonly<Record<string, string>> = {}): void {
    this.writeConf({
      store: `s3://${this.s3.bucket}/shop`,
      endpoint: this.s3.url,
      region: this.s3.region,
      auth: "keys",
      keysfile: "/etc/bootlace/keys",
      ...conf,
    });
  }

  writeKeys({ accessKeyId, secretAccessKey, sessionToken }: S3Key): void {
    const token = sessionToken === undefined ? "" : `aws_session_token = ${sessionToken}\n`;
    this.writeKeysFile(
      `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key=${secretAccessKey}\n${token}`,
    );
  }

  writeKeysFile(text: string, mode = 0o600): void {
    const file = join(this.root, "etc/bootlace/keys");
    writeFileSync(file, text);
    chmodSync(file, mode);
  }

  /** Brings all that the rig's folder holds into the bucket. */
  publish(prefix = "shop/"): void {
    for (const entry of readdirSync(this.store, { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name);
      if (entry.isFile()) this.s3.put(prefix + file.slice(this.store.length + 1), readFileSync(file));
    }
  }

  /** What was asked for so far, and forgets it. */
  asked(): readonly S3Request[] {
    return this.s3.requests.splice(0);
  }
}

/** `const start = useS3Rigs()` at the head of a file: rigs that are gone when the test is. */
export function useS3Rigs(afterEach: (end: () => Promise<void>) => void): (options?: S3Options) => Promise<S3Rig> {
  const rigs: S3Rig[] = [];
  afterEach(async () => {
    for (const rig of rigs.splice(0)) {
      await rig.s3.close();
      rig.dispose();
    }
  });
  return async (options = {}) => {
    const rig = new S3Rig(await startS3(options));
    rigs.push(rig);
    return rig;
  };
}
