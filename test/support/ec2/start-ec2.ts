import { mkdtemp } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SigningKey } from "../aws/sigv4.ts";
import { actionNamed } from "./actions/by-name.ts";
import { makeNetwork } from "./actions/network.ts";
import { answer, type ReceivedCall } from "./answer.ts";
import { addBaseImage, BASES } from "./base-images.ts";
import type { Cloud } from "./cloud.ts";
import { leftoversOf } from "./leftovers.ts";
import { answerImds, ROLE_KEY } from "./machines/imds.ts";
import { MachineRoom } from "./machines/machine-room.ts";
import { type Misbehaviour, Misbehaviours } from "./misbehaviour.ts";
import { scalingActionNamed } from "./scaling/by-name.ts";
import { stopGroup } from "./scaling/scaling-actions.ts";
import { Region } from "./state.ts";

export interface Ec2Options {
  /** Where the machines lie; default a new folder. It goes with {@link Ec2.close}. */
  readonly dir?: string;
  /** The first one is home. */
  readonly regions?: readonly string[];
  readonly credentials?: readonly SigningKey[];
  /** Where instances' sshd listens, where this computer's own has taken 22. */
  readonly sshPort?: number;
}

export interface Ec2 {
  /** `http://127.0.0.1:PORT`: AWS_ENDPOINT_URL. */
  readonly endpoint: string;
  /** The home region. */
  readonly region: string;
  /** Answers as https://checkip.amazonaws.com does. */
  readonly checkip: string;
  /** What the account has in the home region. */
  readonly state: Region;
  readonly regions: ReadonlyMap<string, Region>;
  /** Ids of the base AMIs in the home region. */
  readonly amis: Readonly<Record<keyof typeof BASES, string>>;
  /** The two of the default VPC. */
  readonly subnets: { readonly public: string; readonly private: string };
  /** What was asked for, in order. */
  readonly calls: readonly ReceivedCall[];
  /** After how many launches that failed an instance refresh fails. */
  readonly patience: { failures: number };
  misbehave(rule: Misbehaviour): void;
  /** No misbehaviour any more. */
  behave(): void;
  /** Everything of the account that is still there and costs money or gets in the way, as `i-… running`. */
  leftovers(): readonly string[];
  /** Waits for all that is under way, such as a termination. */
  settle(): Promise<void>;
  /** Ends all machines. @throws {AggregateError} when the server itself has failed meanwhile. */
  close(): Promise<void>;
}

/** As test/support/aws/s3-credentials.ts gives them to each test. */
const KEY: SigningKey = { accessKeyId: "AKIATESTTESTTESTTEST", secretAccessKey: "test/secret+of=a/test" };

/**
 * A small AWS on loopback that the unmodified SDK speaks to: EC2's Query protocol and SSM's parameters, with real sandboxes
 * behind the instances. README.md tells what it does and what not.
 */
export async function startEc2(options: Ec2Options = {}): Promise<Ec2> {
  const { regions: names = ["eu-west-1", "eu-central-1", "us-east-1"], credentials = [KEY, ROLE_KEY] } = options;
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), "bootlace-ec2-")));
  const room = await MachineRoom.open(dir, options.sshPort ?? 22);
  const regions = new Map(names.map((name) => [name, new Region(name)]));
  const [home = new Region("none")] = regions.values();
  const cloud: Cloud = { room, regions, misbehaviours: new Misbehaviours(), patience: { failures: 3 }, url: "" };
  for (const region of regions.values()) makeNetwork(region, room.addresses);
  const amis = Object.fromEntries(
    Object.entries(BASES).map(([name, base]) => {
      for (const region of regions.values()) if (region !== home) addBaseImage(region, room.ground, base);
      return [name, addBaseImage(home, room.ground, base)];
    }),
  ) as Ec2["amis"];
  const calls: ReceivedCall[] = [];
  const bugs: Error[] = [];

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { url = "/", method = "GET" } = request;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (url === "/checkip") return void response.writeHead(200, { "content-type": "text/plain" }).end("127.0.0.1\n");
    if (url.startsWith("/imds/")) {
      const { status, body } = answerImds(regions, method, url, request.headers);
      return void response.writeHead(status, { "content-type": "text/plain", connection: "close" }).end(body);
    }
    const given = await answer(cloud, request, Buffer.concat(chunks), credentials, calls, bugs);
    if (given === "lost") return void request.socket.destroy();
    response.writeHead(given.status, { "content-type": given.type }).end(given.body);
  };
  const server = createServer((request, response) => {
    serve(request, response).catch((error: Error) => {
      bugs.push(error);
      request.socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1", backlog: 1024 }, resolve));
  cloud.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const all = () => [...regions.values()].flatMap((region) => [...region.instances.values()]);
  const groups = () => [...regions.values()].flatMap((region) => [...region.scaling.values()]);
  const settle = async (): Promise<void> => {
    while (all().some(({ busy }) => busy)) await Promise.all(all().map(({ work }) => work));
  };
  const subnet = (open: boolean) =>
    [...home.subnets.values()].find(({ MapPublicIpOnLaunch }) => MapPublicIpOnLaunch === open)?.SubnetId ?? "";
  return {
    endpoint: cloud.url,
    region: home.name,
    checkip: `${cloud.url}/checkip`,
    state: home,
    regions,
    amis,
    subnets: { public: subnet(true), private: subnet(false) },
    calls,
    patience: cloud.patience,
    misbehave(rule) {
      const json = /^(GetParameters?|PutParameter|GetParameterHistory|CreateLogStream|PutLogEvents)$/;
      if (!actionNamed(rule.action) && !scalingActionNamed(rule.action) && !json.test(rule.action))
        throw new Error(`${rule.action} is not built into this endpoint, so it cannot go wrong`);
      cloud.misbehaviours.add(rule);
    },
    behave: () => cloud.misbehaviours.clear(),
    leftovers: () => [...regions.values()].flatMap(leftoversOf),
    settle,
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      for (const group of groups()) stopGroup(group);
      await Promise.all(groups().map(({ work }) => work));
      await settle();
      for (const { machine } of all()) await machine?.dispose();
      await room.close();
      if (bugs.length > 0)
        throw new AggregateError(bugs, `The EC2 endpoint failed: ${bugs.map(({ message }) => message).join("; ")}`);
    },
  };
}
