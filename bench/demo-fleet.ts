import type { CloudInstance } from "../test/cloud/cloud.ts";

/** Six instances in four regions: one in a finance region, one with TLS, one CKV, one with its own password policy. */
export const DEMO_FLEET: readonly CloudInstance[] = [
  { instanceId: "crs-5a4py64p", region: "ap-guangzhou" },
  { instanceId: "crs-ifmymj41", region: "ap-guangzhou", type: 3 },
  { instanceId: "crs-7ktls0qz", region: "ap-singapore", tls: true },
  { instanceId: "crs-2frankfu", region: "eu-frankfurt" },
  { instanceId: "crs-9fsibank", region: "ap-shanghai-fsi" },
  {
    instanceId: "crs-policy32",
    region: "eu-frankfurt",
    passwordPolicy: { Enabled: true, MinLength: 16, MinLetterCount: 4, MinDigitCount: 4, MinSpecialCount: 2 },
  },
];
