import { expect, it } from "vitest";
import { systemClock } from "../../lib/drivers/runtime.ts";
import type { TencentClient } from "../../lib/drivers/tencent-client.ts";
import { ssmStore } from "../../lib/drivers/tencent-ssm.ts";

it.each([
  ["Disabled", "its status is Disabled:"],
  ["Gu5t9xGARNpq86cd98joQYCN3Cozk1qA", "its status is unknown:"],
  ["", "its status is unknown:"],
])("a status is told where it can be one: %s", async (Status, told) => {
  const client = (async () => ({ Status })) as unknown as TencentClient;
  await expect(ssmStore({ client, clock: systemClock }).describe("redis-orders")).rejects.toThrow(told);
});
