import { describe, expect, it } from "vitest";
import { type EffectivePolicy, entropyBits, generatePassword, violations } from "../lib/password.ts";
import type { RandomBytes } from "../lib/ports.ts";

import { DIGITS, LOWER, own, policyOf, scripted, seeded, TINY, UPPER, words } from "./passwords.ts";

describe("a generated password", () => {
  it.each([
    ["is the one of the number drawn", TINY, [[2]], "aA"],
    ["is the one of the number drawn, whose superfluous bits are ignored", TINY, [[0b111_00111]], "bA"],
    ["is not drawn by a number past the last one", TINY, [[25], [31], [7]], "bA"],
    ["may be the last one that is good", TINY, [[23]], ".1"],
    ["is not a candidate of one class, which is thrown away whole", TINY, [[0], [24], [7]], "bA"],
    [
      "is drawn by several bytes, the highest first",
      policyOf("ModfiyRedisPassword", undefined, 8),
      [[0, 0, 0, 0, 0, 52]],
      "aaaaaaa0",
    ],
    [
      "is drawn by no bit more than needed where they are a power of two",
      policyOf("ResetPassword", undefined, 8),
      [[0, 0, 0, 0, 0, 52]],
      "aaaaaaa0",
    ],
    [
      "has its first character by the highest byte",
      policyOf("ModfiyRedisPassword", undefined, 8),
      [[0x80, 0, 0, 0, 0, 52]],
      "N7VqQKs4",
    ],
  ])("%s", (_, policy, candidates, expected) => {
    const { randomBytes, sizes } = scripted(...candidates);
    expect(generatePassword(policy, randomBytes)).toBe(expected);
    const size = (candidates[0]?.length ?? 0) + 16;
    expect(sizes).toEqual(candidates.map(() => size));
  });
});

describe("the draw", () => {
  const three = { ...TINY, length: 3 };
  it.each([
    ["two classes alone", three],
    ["letters as one class", { ...three, classes: ["abA", "1", "."] }],
    ["a letter and a digit", { ...three, minimums: { letters: 1, digits: 1, specials: 0 } }],
    ["two specials", { ...three, minimums: { letters: 0, digits: 0, specials: 2 } }],
    ["one of each", { ...three, minimums: { letters: 1, digits: 1, specials: 1 } }],
    ["no specials to generate", { ...three, generated: { ...three.generated, specials: "" } }],
    [
      "a single password",
      {
        ...TINY,
        length: 2,
        generated: { letters: "a", digits: "1", specials: "" },
        minimums: { letters: 1, digits: 1, specials: 0 },
      },
    ],
  ])("makes every compliant password equally often and no other, with %s", (_, policy: EffectivePolicy) => {
    const compliant = words(Object.values(policy.generated).join(""), policy.length).filter(
      (word) => violations(policy, word).length === 0,
    );
    const drawn = new Map<string, number>();
    for (let byte = 0; byte < 256; byte++) {
      const { randomBytes, sizes } = scripted([byte]);
      try {
        const password = generatePassword(policy, randomBytes);
        drawn.set(password, (drawn.get(password) ?? 0) + 1);
      } catch (error) {
        // Thrown away: the script has no second candidate.
        expect(error).toBeInstanceOf(RangeError);
      }
      expect(sizes[0]).toBe(1 + 16);
    }
    expect([...drawn.keys()].sort()).toEqual(compliant.sort());
    expect(new Set(drawn.values()).size).toBe(1);
    expect(entropyBits(policy)).toBe(Math.log2(compliant.length));
  });
});

describe("over many draws", () => {
  const DRAWS = 6000;
  // Chi-square so many standard deviations above its mean comes less than once in 10,000 fair runs; and the seed is
  // fixed, so that the same run passes again.
  const LIMIT = 6;

  /** A password's kinds of characters, each shown by one character of that kind. */
  const shapeOf = (password: string) =>
    password.replace(/[a-z]/g, "a").replace(/[A-Z]/g, "A").replace(/[0-9]/g, "0").replace(/[._]/g, ".");
  const sorted = (text: string) => [...text].sort().join("");

  /** How likely each shape is: reckoned by trying all of them, not by the way the draw counts. */
  function shapeShares(policy: EffectivePolicy): Map<string, number> {
    const { specials } = policy.generated;
    const sizes: Record<string, number> = { a: 26, A: 26, "0": 10, ".": specials.length };
    const shapes = words(specials === "" ? "aA0" : "aA0.", policy.length).filter(
      (shape) => violations(policy, shape).length === 0,
    );
    const passwords = shapes.map((shape) =>
      [...shape].reduce((product, kind) => product * (sizes[kind] ?? 0), 1),
    );
    const total = passwords.reduce((sum, count) => sum + count);
    return new Map(shapes.map((shape, index) => [shape, (passwords[index] ?? 0) / total]));
  }

  function tally<Name>(items: Iterable<readonly [Name, number]>): Map<Name, number> {
    const sums = new Map<Name, number>();
    for (const [name, amount] of items) sums.set(name, (sums.get(name) ?? 0) + amount);
    return sums;
  }

  /** How many standard deviations chi-square is above its mean. What is expected fewer than 5 times is one cell. */
  function excess(seen: readonly string[], shares: ReadonlyMap<string, number>): number {
    const cellOf = (name: string) => ((shares.get(name) ?? 0) * seen.length < 5 ? "rare" : name);
    const expected = tally([...shares].map(([name, share]) => [cellOf(name), share * seen.length] as const));
    const counts = tally(seen.map((name) => [cellOf(name), 1] as const));
    const freedom = expected.size - 1;
    const chiSquare = [...expected].reduce(
      (sum, [cell, count]) => sum + ((counts.get(cell) ?? 0) - count) ** 2 / count,
      0,
    );
    return (chiSquare - freedom) / Math.sqrt(2 * freedom);
  }

  /** The worst excess: of the characters at each place, and of how many characters there are of each kind. */
  function worstExcess(policy: EffectivePolicy, passwords: readonly string[]): number {
    const shapes = [...shapeShares(policy)];
    const alphabet = [...Object.values(policy.generated).join("")];
    const sizes = tally(alphabet.map((character) => [shapeOf(character), 1] as const));
    const places = Array.from({ length: policy.length }, (_, place) => {
      const kinds = tally(shapes.map(([shape, share]) => [shape.charAt(place), share] as const));
      const shareOf = (kind: string) => (kinds.get(kind) ?? 0) / (sizes.get(kind) ?? 1);
      const shares = alphabet.map((character) => [character, shareOf(shapeOf(character))] as const);
      return excess(
        passwords.map((password) => password.charAt(place)),
        new Map(shares),
      );
    });
    const mixes = tally(shapes.map(([shape, share]) => [sorted(shape), share] as const));
    return Math.max(
      ...places,
      excess(
        passwords.map((password) => sorted(shapeOf(password))),
        mixes,
      ),
    );
  }

  it.each([
    ["ResetPassword", undefined],
    ["ResetPassword", own(8, 1, 1, 1)],
    ["ResetPassword", own(8, 2, 1, 4)],
    ["ModfiyRedisPassword", undefined],
  ] as const)(
    "%s has each character at each place and each mix of kinds as often as it should: %o",
    (api, instancePolicy) => {
      const policy = policyOf(api, instancePolicy, 8);
      const randomBytes = seeded(1);
      const passwords = Array.from({ length: DRAWS }, () => generatePassword(policy, randomBytes));
      expect(worstExcess(policy, passwords)).toBeLessThan(LIMIT);
    },
  );

  const alphabet = LOWER + UPPER + DIGITS;
  it.each<[string, (randomBytes: RandomBytes) => string]>([
    [
      "takes bytes modulo 62",
      (randomBytes) => [...randomBytes(8)].map((byte) => alphabet[byte % 62]).join(""),
    ],
    [
      "repairs what lacks a digit",
      (randomBytes) => {
        const good = [...randomBytes(64)].filter((byte) => byte < 248).slice(0, 8);
        const password = good.map((byte) => alphabet[byte % 62]).join("");
        return /[0-9]/.test(password) ? password : `7${password.slice(1)}`;
      },
    ],
  ])("finds a generator out that %s", (_, draw) => {
    const policy = policyOf("ModfiyRedisPassword", undefined, 8);
    const randomBytes = seeded(1);
    const passwords = Array.from({ length: 2 * DRAWS }, () => draw(randomBytes));
    const compliant = passwords
      .filter((password) => violations(policy, password).length === 0)
      .slice(0, DRAWS);
    expect(compliant).toHaveLength(DRAWS);
    expect(worstExcess(policy, compliant)).toBeGreaterThan(LIMIT);
  });
});

describe("a broken source of random bytes", () => {
  const policy = policyOf("ResetPassword");

  it.each([0x00, 0x61, 0xff])("that repeats the byte %i gives an error, not a password", (byte) => {
    expect(() => generatePassword(policy, (size) => new Uint8Array(size).fill(byte))).toThrow(
      expect.objectContaining({
        code: "Internal",
        effect: "none",
        message: "The source of random bytes is broken: it repeats one byte",
      }),
    );
  });

  it("that repeats one byte after a candidate gives an error too", () => {
    const stuck: RandomBytes = (size) => new Uint8Array(size).fill(7, size - 16);
    expect(() => generatePassword(policy, stuck)).toThrow("it repeats one byte");
  });

  it.each([-1, 1])("that gives %i byte more than asked for gives an error", (more) => {
    expect(() => generatePassword(policy, (size) => seeded(1)(size + more))).toThrow(
      "The source of random bytes is broken: it gave more or fewer bytes than asked for",
    );
  });

  it("that never yields a good candidate gives an error after 256", () => {
    const { randomBytes, sizes } = scripted(...Array.from({ length: 300 }, () => [31]));
    expect(() => generatePassword(TINY, randomBytes)).toThrow(
      "The source of random bytes is broken: none of 256 candidates was good",
    );
    expect(sizes).toHaveLength(256);
  });
});
