import { expect, it } from "vitest";
import { pauseMs } from "../lib/waiter.ts";

const PACE = { share: 0.25, minMs: 400, maxMs: 3_000 };

it.each([
  [0, 400],
  [1_600, 400],
  [2_000, 500],
  [8_000, 2_000],
  [12_000, 3_000],
  [600_000, 3_000],
])("after %i ms of waiting the next look is %i ms away", (waitedMs, expectedMs) => {
  expect(pauseMs(waitedMs, PACE)).toBe(expectedMs);
});
