import { expect, it } from "vitest";
import { abortAfter, digest, randomBytes } from "../../lib/drivers/runtime.ts";

it("digests as SHA-256 does", () => {
  expect(digest("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

it("draws as many bytes as it is asked for, never the same", () => {
  expect(randomBytes(32)).toHaveLength(32);
  expect(randomBytes(32)).not.toEqual(randomBytes(32));
});

it.each([-5, 0, 0.4])("aborts at once where %d ms are left", async (leftMs) => {
  const signal = abortAfter(leftMs);
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  expect(signal.aborted).toBe(true);
});

it.each([1349.1, 3_600_000])("does not abort yet where %d ms are left", (leftMs) => {
  expect(abortAfter(leftMs).aborted).toBe(false);
});
