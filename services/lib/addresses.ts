import { isIP } from "node:net";

const METADATA = "http://169.254.169.254";

/**
 * The address that a name of this machine is to lead to.
 *
 * @param wanted `public`, `private`, or an address.
 * @throws {Error} Where the machine does not have such an address.
 */
export async function ownAddress(wanted: string, env: NodeJS.ProcessEnv): Promise<string> {
  if (isIP(wanted) !== 0) return wanted;
  const { BOOTLACE_PUBLIC_IP, BOOTLACE_PRIVATE_IP, BOOTLACE_PROVIDER } = env;
  if (wanted === "private" && BOOTLACE_PRIVATE_IP) return BOOTLACE_PRIVATE_IP;
  if (wanted === "public" && BOOTLACE_PUBLIC_IP) return BOOTLACE_PUBLIC_IP;
  const found =
    BOOTLACE_PROVIDER === "ec2" ? await metadata(wanted === "public" ? "public-ipv4" : "local-ipv4", env) : "";
  if (isIP(found) !== 0) return found;
  throw new Error(`This machine has no ${wanted} address that it knows of: set the param \`address\` to one`);
}

/** "Use the Instance Metadata Service", Amazon EC2 User Guide: version 2, a token first. An empty text for what is not there. */
async function metadata(name: string, env: NodeJS.ProcessEnv): Promise<string> {
  const base = env.AWS_EC2_METADATA_SERVICE_ENDPOINT ?? METADATA;
  const signal = AbortSignal.timeout(5_000);
  const headers = { "x-aws-ec2-metadata-token-ttl-seconds": "60" };
  const token = await (await fetch(new URL("/latest/api/token", base), { method: "PUT", headers, signal })).text();
  const answer = await fetch(new URL(`/latest/meta-data/${name}`, base), {
    headers: { "x-aws-ec2-metadata-token": token },
    signal,
  });
  return answer.ok ? (await answer.text()).trim() : "";
}
