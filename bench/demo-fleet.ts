import type { CloudInstance } from "../test/cloud/cloud.ts";

/**
 * Ten instances in four regions: one in a finance region, one with TLS, one CKV, one with its own password policy, and one
 * for each further way to change a password.
 */
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
  { instanceId: "crs-oldpass1", region: "ap-guangzhou", secretFields: { api: "ModifyInstancePassword" } },
  { instanceId: "crs-legacy20", region: "ap-guangzhou", secretFields: { api: "ModfiyRedisPassword" } },
  {
    instanceId: "crs-account1",
    region: "ap-singapore",
    accounts: [{ name: "orders" }],
    secretFields: { username: "orders" },
  },
  {
    instanceId: "crs-twouser1",
    region: "ap-guangzhou",
    accounts: [{ name: "app_a" }],
    secretFields: { username: "app_a", usernames: ["app_a", "app_b"] },
  },
];

/** As long as a task may take, shortened. */
export const taskDurationMs = (): number => 3_000 + Math.random() * 6_000;
