import { existsSync, readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clientOf, Desk } from "./desk.ts";
import { type Ec2, startEc2 } from "./start-ec2.ts";

let ec2: Ec2;
let desk: Desk;
beforeAll(async () => {
  ec2 = await startEc2();
  desk = new Desk(clientOf(ec2), ec2.amis.root);
});
afterAll(async () => {
  desk?.close();
  await ec2?.close();
});

test("startEc2() leads the unmodified SDK from RunInstances to an AMI and to an instance of it", async () => {
  const { api } = desk;
  const first = await desk.launch();
  const keys = await desk.hostKeys(first);
  expect(await desk.ssh(first, "id -un && echo kept >/etc/kept", keys)).toBe("root");
  await api.stopInstances({ InstanceIds: [first] });
  expect((await desk.until(first, "stopped")).PublicIpAddress).toBeUndefined();
  const { ImageId = "" } = await api.createImage({
    InstanceId: first,
    Name: "kept",
    NoReboot: true,
    TagSpecifications: [
      { ResourceType: "image", Tags: [{ Key: "of", Value: "image" }] },
      { ResourceType: "snapshot", Tags: [{ Key: "of", Value: "snapshot" }] },
    ],
  });
  expect((await api.describeImages({ ImageIds: [ImageId] })).Images?.[0]).toMatchObject({ State: "pending" });
  await ec2.settle();
  const [image] = (await api.describeImages({ Owners: ["self"] })).Images ?? [];
  expect(image).toMatchObject({ ImageId, State: "available", Tags: [{ Key: "of", Value: "image" }] });
  const { Snapshots } = await api.describeSnapshots({ Filters: [{ Name: "tag:of", Values: ["snap*"] }] });
  expect(Snapshots?.[0]).toMatchObject({
    SnapshotId: image?.BlockDeviceMappings?.[0]?.Ebs?.SnapshotId,
    State: "completed",
    Progress: "100%",
  });

  const second = await desk.launch({ ImageId });
  const others = await desk.hostKeys(second);
  expect(others).not.toEqual(keys);
  expect(await desk.ssh(second, "cat /etc/kept", others)).toBe("kept");
  // Another machine's host key is refused, so the keys on the console are this sshd's own.
  await expect(desk.ssh(second, "true", keys)).rejects.toThrow("Host key verification failed");
  await api.terminateInstances({ InstanceIds: [first, second] });
  await ec2.settle();
  expect((await desk.describe(second)).State?.Name).toBe("terminated");
  expect(ec2.leftovers().filter((what) => /^(i|vol)-/.test(what))).toEqual([]);
});

test("the address page answers as checkip.amazonaws.com does", async () => {
  expect(await (await fetch(ec2.checkip)).text()).toBe("127.0.0.1\n");
});

test("an image's boot hook runs at each boot, and what it prints is on the console", async () => {
  const id = await desk.launch();
  const keys = await desk.hostKeys(id);
  const hook = `mkdir -p /usr/lib/bootlace && cat >/usr/lib/bootlace/boot && chmod 755 /usr/lib/bootlace/boot`;
  const script =
    "#!/bin/sh\necho hooked by $(cat /sys/class/dmi/id/board_asset_tag) at $AWS_EC2_METADATA_SERVICE_ENDPOINT";
  await desk.ssh(id, `echo '${script}' | { ${hook}; }`, keys);
  const { ImageId = "" } = await desk.api.createImage({ InstanceId: id, Name: "hooked" });
  // It was running, so it boots again after it was captured.
  await ec2.settle();
  const said = `hooked by ${id} at ${ec2.endpoint}/imds/eu-west-1/${id}`;
  while (!(await desk.console(id)).includes(said));
  const other = await desk.launch({ ImageId });
  while (!(await desk.console(other)).includes(`hooked by ${other}`));
});

test("close() ends every machine and leaves no file of them", async () => {
  const other = await startEc2();
  const own = new Desk(clientOf(other), other.amis.root);
  const id = await own.launch();
  const keys = await own.hostKeys(id);
  const pids = processesNaming(id);
  expect(await own.ssh(id, "echo in", keys)).toBe("in");
  const { console: file = "" } = other.state.instances.get(id)?.machine ?? {};
  expect([pids.length > 0, existsSync(file)]).toEqual([true, true]);
  own.close();
  await other.close();
  expect([processesNaming(id), existsSync(file)]).toEqual([[], false]);
});

/** Command lines with a word in it, of all processes of this computer. */
function processesNaming(word: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return line.includes(word) ? [line] : [];
      } catch {
        return [];
      }
    });
}
