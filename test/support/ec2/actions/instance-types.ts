import type {
  _InstanceType,
  DescribeInstanceTypesRequest,
  DescribeInstanceTypesResult,
  InstanceTypeInfo,
} from "@aws-sdk/client-ec2";
import type { Call } from "../cloud.ts";
import { ApiError } from "../protocol/api-error.ts";
import { filtered, page } from "../protocol/filters.ts";

type Made = readonly [name: string, arch: "x86_64" | "arm64", cpus: number, mib: number, hypervisor: "nitro" | "xen"];

/** A few of each kind: burstable and not, both architectures, and one from before Nitro. */
const MADE: readonly Made[] = [
  ["t2.micro", "x86_64", 1, 1024, "xen"],
  ["t3.micro", "x86_64", 2, 1024, "nitro"],
  ["t3.small", "x86_64", 2, 2048, "nitro"],
  ["t3a.small", "x86_64", 2, 2048, "nitro"],
  ["t3.medium", "x86_64", 2, 4096, "nitro"],
  ["m7i.large", "x86_64", 2, 8192, "nitro"],
  ["c7a.large", "x86_64", 2, 4096, "nitro"],
  ["t4g.micro", "arm64", 2, 1024, "nitro"],
  ["t4g.small", "arm64", 2, 2048, "nitro"],
  ["m7g.large", "arm64", 2, 8192, "nitro"],
];

const TYPES: ReadonlyMap<string, InstanceTypeInfo> = new Map(
  MADE.map(([name, arch, cpus, mib, hypervisor]) => [
    name,
    {
      InstanceType: name as _InstanceType,
      CurrentGeneration: hypervisor === "nitro",
      SupportedUsageClasses: ["on-demand", "spot"],
      SupportedRootDeviceTypes: ["ebs"],
      SupportedVirtualizationTypes: ["hvm"],
      BareMetal: false,
      Hypervisor: hypervisor,
      ProcessorInfo: { SupportedArchitectures: [arch] },
      VCpuInfo: { DefaultVCpus: cpus },
      MemoryInfo: { SizeInMiB: mib },
      InstanceStorageSupported: false,
      NetworkInfo: { Ipv6Supported: true, EnaSupport: hypervisor === "nitro" ? "required" : "unsupported" },
      SupportedBootModes: arch === "arm64" ? ["uefi"] : ["legacy-bios", "uefi"],
    },
  ]),
);

export const instanceType = (name: string | undefined): InstanceTypeInfo | undefined => TYPES.get(name ?? "");

export const typeActions = {
  /** One that is not there is an error, whatever else was asked for. */
  DescribeInstanceTypes({ input }: Call<DescribeInstanceTypesRequest>): DescribeInstanceTypesResult {
    const missing = (input.InstanceTypes ?? []).filter((name) => !TYPES.has(name));
    if (missing.length > 0)
      throw new ApiError(
        "InvalidInstanceType",
        `The following supplied instance types do not exist: [${missing.join(", ")}]`,
      );
    const named = input.InstanceTypes ?? [...TYPES.keys()];
    const found = filtered(
      named.map((name) => TYPES.get(name) ?? {}),
      input.Filters,
      {
        "instance-type": (type) => [type.InstanceType],
        hypervisor: (type) => [type.Hypervisor],
        "current-generation": (type) => [type.CurrentGeneration],
        "processor-info.supported-architecture": (type) => type.ProcessorInfo?.SupportedArchitectures ?? [],
        "supported-usage-class": (type) => type.SupportedUsageClasses ?? [],
      },
    );
    const { items, next } = page(found, input);
    return { InstanceTypes: items, ...(next && { NextToken: next }) };
  },
};
