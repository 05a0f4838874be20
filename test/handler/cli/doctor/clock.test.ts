import { expect, it } from "vitest";
import { clockCheck } from "../../../../handler/cli/doctor/clock.ts";

it.each([
  [undefined, "unknown", /no endpoint has answered/],
  [1_900, "good", /right, to 2 s/],
  [-1_900, "good", /right, to 2 s/],
  [59_000, "good", /59 s ahead$/],
  [60_000, "bad", /60 s ahead; from 300 s on Tencent Cloud refuses/],
  [-299_000, "bad", /299 s behind; from 300 s on/],
  [-300_000, "bad", /300 s behind; that far off/],
] as const)("a clock that is %s ms ahead is %s", (aheadMs, status, says) => {
  const check = clockCheck("Tencent Cloud", aheadMs);
  expect(check).toMatchObject({ name: "clock", status, found: expect.stringMatching(says) });
  expect(check.fix !== undefined).toBe(status === "bad");
});
