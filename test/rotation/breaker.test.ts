import { describe, expect, it } from "vitest";
import type { ErrorCode } from "../../lib/errors.ts";
import type { SecretResult } from "../../lib/ports.ts";
import { Breaker } from "../../lib/rotation/breaker.ts";

const GOOD: SecretResult = { secretId: "redis/orders", status: "rotated", durationMs: 1 };
const bad = (code: ErrorCode = "AccessDenied"): SecretResult => ({
  ...GOOD,
  status: "failed",
  error: { code, message: "It failed", effect: "none" },
});
const ALL = Number.POSITIVE_INFINITY;

/** One after the other. */
function end(breaker: Breaker, ...results: readonly SecretResult[]): void {
  for (const result of results) breaker.begin()(result);
}

describe("the canaries", () => {
  it("go first, and let all begin when as many have succeeded", () => {
    const breaker = new Breaker({ canary: 3, breaker: 5 });
    expect(breaker.allowed).toBe(3);
    end(breaker, GOOD, GOOD);
    expect([breaker.allowed, breaker.hasPassed]).toEqual([1, false]);
    end(breaker, GOOD);
    expect([breaker.allowed, breaker.hasPassed]).toEqual([ALL, true]);
  });

  it("are replaced where one fails, by one from the middle and then by the youngest", () => {
    const breaker = new Breaker({ canary: 1, breaker: 0 });
    expect(breaker.pick(9)).toBe(0);
    end(breaker, bad("InstanceGone"));
    expect([breaker.allowed, breaker.pick(9)]).toEqual([1, 4]);
    end(breaker, bad("InstanceGone"));
    // The oldest may all have troubles of their own.
    expect([breaker.allowed, breaker.pick(8)]).toEqual([1, 7]);
    end(breaker, GOOD);
    expect([breaker.allowed, breaker.pick(8)]).toEqual([ALL, 0]);
  });

  it("stop the fleet where three replacements fail as well", () => {
    const breaker = new Breaker({ canary: 1, breaker: 0 });
    end(breaker, bad(), bad("RedisUnreachable"), bad("InstanceGone"));
    expect(breaker.allowed).toBe(1);
    end(breaker, bad("Drift"));
    expect(breaker.allowed).toBe(0);
    expect(breaker.stopped).toMatchObject({
      code: "FleetStopped",
      effect: "none",
      message: expect.stringContaining("Drift: It failed"),
    });
  });
});

describe("the breaker", () => {
  it("trips at as many failures in a row for the same reason", () => {
    const breaker = new Breaker({ canary: 0, breaker: 3 });
    end(breaker, bad(), bad());
    expect(breaker.allowed).toBe(ALL);
    end(breaker, bad());
    expect(breaker.allowed).toBe(1);
  });

  it.each([
    ["another reason", bad("RedisUnreachable")],
    ["a success", GOOD],
  ])("counts from the beginning after %s", (_, result) => {
    const breaker = new Breaker({ canary: 0, breaker: 3 });
    end(breaker, bad(), bad(), result, bad(), bad());
    expect(breaker.allowed).toBe(ALL);
  });

  it.each([
    ["not-due", { ...GOOD, status: "not-due" }],
    ["in-progress", { ...bad("InProgress"), status: "in-progress" }],
  ] as const)("takes no notice of what ends %s", (_, result) => {
    const breaker = new Breaker({ canary: 0, breaker: 3 });
    end(breaker, bad(), bad(), result, bad());
    expect(breaker.allowed).toBe(1);
  });

  it("is not misled by the successes of what began before the trouble", () => {
    const breaker = new Breaker({ canary: 0, breaker: 3 });
    const early = [breaker.begin(), breaker.begin(), breaker.begin()];
    for (const ended of early) {
      end(breaker, bad());
      ended(GOOD);
    }
    expect(breaker.allowed).toBe(1);
  });

  it.each([
    ["goes on counting past", "before", 1],
    ["counts from the beginning after", "after", ALL],
  ] as const)("%s a success that began %s the first failure of the row ended", (_, when, allowed) => {
    const breaker = new Breaker({ canary: 0, breaker: 3 });
    const failing = breaker.begin();
    const before = breaker.begin();
    failing(bad());
    const after = breaker.begin();
    end(breaker, bad());
    const ended = { before, after }[when];
    ended(GOOD);
    end(breaker, bad());
    expect(breaker.allowed).toBe(allowed);
  });

  it("is cleared by a trial that succeeds, and counts anew", () => {
    const breaker = new Breaker({ canary: 0, breaker: 2 });
    end(breaker, bad(), bad(), bad(), GOOD, bad());
    expect(breaker.allowed).toBe(ALL);
  });

  it("does not count as trials what was under way when it tripped", () => {
    const breaker = new Breaker({ canary: 0, breaker: 2 });
    const underWay = Array.from({ length: 9 }, () => breaker.begin());
    for (const ended of underWay) ended(bad());
    expect(breaker.allowed).toBe(1);
    end(breaker, bad(), bad(), bad());
    expect(breaker.allowed).toBe(0);
  });

  it("never trips where it is set to nothing", () => {
    const breaker = new Breaker({ canary: 0, breaker: 0 });
    end(breaker, ...Array.from({ length: 100 }, () => bad()));
    expect(breaker.allowed).toBe(ALL);
  });
});
