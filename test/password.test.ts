import { spawnSync } from "node:child_process";
import { createCipheriv } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RotationError } from "../lib/errors.ts";
import {
  type EffectivePolicy,
  entropyBits,
  generatePassword,
  type PolicyOptions,
  passwordPolicy,
  violations,
} from "../lib/password.ts";
import type { InstancePasswordPolicy, PasswordApi, RandomBytes } from "../lib/ports.ts";

const APIS = [
  "ResetPassword",
  "ModifyInstancePassword",
  "ModifyInstanceAccount",
  "ModfiyRedisPassword",
] as const satisfies PasswordApi[];
const EDITIONS = ["redis", "ckv"] as const;

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const UPPER = LOWER.toUpperCase();
const DIGITS = "0123456789";
const SPECIALS_3 = "()~!@#$%^&*-+=_|{}[]:;<>,.?/";

function own(
  minLength: number,
  minLetters: number,
  minDigits: number,
  minSpecials: number,
): InstancePasswordPolicy {
  return { minLength, minLetters, minDigits, minSpecials };
}

function policyOf(
  api: PasswordApi,
  instancePolicy?: InstancePasswordPolicy,
  length?: number,
): EffectivePolicy {
  return passwordPolicy({
    api,
    edition: "redis",
    ...(instancePolicy && { instancePolicy }),
    ...(length !== undefined && { length }),
  });
}

function namesOf(policy: EffectivePolicy, password: string): string[] {
  return violations(policy, password).map(({ name }) => name);
}

/** A deterministic source of good random bytes: a key stream. */
function seeded(seed: number): RandomBytes {
  const stream = createCipheriv("aes-128-ctr", Buffer.alloc(16, seed), Buffer.alloc(16));
  return (size) => stream.update(Buffer.alloc(size));
}

describe("the rule", () => {
  const four = [LOWER, UPPER, DIGITS, SPECIALS_3];
  const lettersAndDigits = [LOWER + UPPER, DIGITS];
  it.each([
    ["ResetPassword", "redis", 8, 32, "/", four, 30, "._"],
    ["ModifyInstancePassword", "redis", 8, 30, "/", four, 30, "._"],
    ["ModifyInstanceAccount", "redis", 8, 64, "/", [LOWER, UPPER, DIGITS, `${SPECIALS_3}\``], 30, "._"],
    ["ModfiyRedisPassword", "redis", 8, 16, "", [LOWER + UPPER, DIGITS, "!@#%^()"], 16, ""],
    ["ResetPassword", "ckv", 8, 30, "/", lettersAndDigits, 30, ""],
    ["ModifyInstancePassword", "ckv", 8, 30, "/", lettersAndDigits, 30, ""],
    ["ModifyInstanceAccount", "ckv", 8, 30, "/", lettersAndDigits, 30, ""],
    ["ModfiyRedisPassword", "ckv", 8, 16, "", lettersAndDigits, 16, ""],
  ] as const)(
    "of %s on edition %s takes %i to %i characters",
    (api, edition, min, max, first, classes, length, specials) => {
      expect(passwordPolicy({ api, edition })).toEqual({
        minLength: min,
        maxLength: max,
        forbiddenFirst: first,
        classes,
        length,
        minimums: { letters: 0, digits: 0, specials: 0 },
        generated: { letters: LOWER + UPPER, digits: DIGITS, specials },
      });
    },
  );

  it.each([
    ["ResetPassword", "zy456987"],
    ["ModfiyRedisPassword", "12D3E@!r5ed"],
    ["ModfiyRedisPassword", "49A2d!e@f12e"],
    ["ResetPassword", "AbcdefgH"],
    ["ModifyInstanceAccount", "abcdefg`"],
  ] as const)("of %s accepts the example %s", (api, password) => {
    expect(violations(policyOf(api), password)).toEqual([]);
  });

  const v3 = policyOf("ResetPassword");
  const v2 = policyOf("ModfiyRedisPassword");
  const ckv = passwordPolicy({ api: "ResetPassword", edition: "ckv" });
  const strict = policyOf("ResetPassword", own(12, 3, 3, 3));
  it.each([
    ["letters of both cases in API 2.0", v2, "AbcdefgH", ["classes"]],
    ["one class", v3, "abcdefgh", ["classes"]],
    ["an asterisk in API 2.0", v2, "abc*12345", ["alphabet"]],
    ["a backtick outside custom accounts", v3, "abc`12345", ["alphabet"]],
    ["a special on a CKV edition", ckv, "abc_12345", ["alphabet"]],
    ["letters alone on a CKV edition", ckv, "AbcdefgH", ["classes"]],
    ["a character beyond the basic plane", v3, "abcd123😀", ["alphabet"]],
    ["a slash in front", v3, "/abcd1234", ["first-character"]],
    ["nothing: a slash at the end", v3, "abcd1234/", []],
    ["7 characters", v3, "abcd123", ["too-short"]],
    ["nothing: 8 characters", v3, "abcd1234", []],
    ["nothing: 32 characters", v3, "abcd1234".repeat(4), []],
    ["33 characters", v3, `${"abcd1234".repeat(4)}5`, ["too-long"]],
    ["11 characters where the instance asks for 12", strict, "abcd12345_.", ["too-short", "specials"]],
    ["2 letters where the instance asks for 3", strict, "aB1234567_._", ["letters"]],
    ["2 digits where the instance asks for 3", strict, "abcdefg12_._", ["digits"]],
    ["2 specials where the instance asks for 3", strict, "abcdef1234_.", ["specials"]],
    ["an empty password", strict, "", ["too-short", "classes", "letters", "digits", "specials"]],
  ])("names what is broken by %s", (_, policy, password, names) => {
    expect(namesOf(policy, password)).toEqual(names);
  });

  it("is explained in sentences that say nothing else of the password", () => {
    expect(violations(strict, "/é")).toEqual([
      { name: "too-short", sentence: "It has fewer than 12 characters." },
      { name: "alphabet", sentence: "It has a character that is not accepted." },
      { name: "first-character", sentence: "It starts with a character that may not be first." },
      { name: "classes", sentence: "It has fewer than 2 classes." },
      { name: "letters", sentence: "It has fewer than 3 letters." },
      { name: "digits", sentence: "It has fewer than 3 digits." },
      { name: "specials", sentence: "It has fewer than 3 specials." },
    ]);
  });
});

describe("the length", () => {
  it.each([
    ["is 30 by default", "ResetPassword", undefined, undefined, 30],
    ["is 16 by default for API 2.0", "ModfiyRedisPassword", undefined, undefined, 16],
    ["is the operator's", "ResetPassword", undefined, 20, 20],
    ["may be the shortest", "ResetPassword", undefined, 8, 8],
    ["may be the longest", "ModifyInstanceAccount", undefined, 64, 64],
    ["follows an instance policy that asks for more", "ResetPassword", own(32, 1, 1, 1), undefined, 32],
    ["follows the instance policy's counts", "ModifyInstanceAccount", own(8, 16, 16, 16), undefined, 48],
    ["leaves room for a second class", "ResetPassword", own(8, 0, 30, 0), undefined, 31],
    [
      "needs no room where the letters can be of two classes",
      "ModifyInstanceAccount",
      own(8, 40, 0, 0),
      undefined,
      40,
    ],
    [
      "stays at the default where the instance policy asks for less",
      "ResetPassword",
      own(12, 4, 4, 4),
      undefined,
      30,
    ],
  ] as const)("%s", (_, api, instancePolicy, length, expected) => {
    const policy = policyOf(api, instancePolicy, length);
    expect(policy.length).toBe(expected);
    expect(generatePassword(policy, seeded(1))).toHaveLength(expected);
  });
});

describe("a contradiction", () => {
  const ask = "the instance's own policy";
  it.each<[string, PolicyOptions, string[]]>([
    [
      "between PASSWORD_LENGTH and the longest that the API takes",
      { api: "ModfiyRedisPassword", edition: "redis", length: 30 },
      ["PASSWORD_LENGTH is 30, but ModfiyRedisPassword takes 8 to 16 characters: change PASSWORD_LENGTH"],
    ],
    [
      "between PASSWORD_LENGTH and the shortest that the API takes",
      { api: "ResetPassword", edition: "redis", length: 1 },
      ["PASSWORD_LENGTH is 1, but ResetPassword takes 8 to 32 characters: change PASSWORD_LENGTH"],
    ],
    [
      "between PASSWORD_LENGTH and the edition",
      { api: "ResetPassword", edition: "ckv", length: 31 },
      [
        "PASSWORD_LENGTH is 31, but ResetPassword on a CKV edition takes 8 to 30 characters: change PASSWORD_LENGTH",
      ],
    ],
    [
      "between PASSWORD_LENGTH and the instance's length",
      { api: "ResetPassword", edition: "redis", length: 12, instancePolicy: own(16, 1, 1, 1) },
      [
        `PASSWORD_LENGTH is 12, but ${ask} (length 16, letters 1, digits 1, specials 1) asks for at least 16 ` +
          "characters: raise PASSWORD_LENGTH or relax the instance's policy",
      ],
    ],
    [
      "between PASSWORD_LENGTH and the instance's counts",
      { api: "ResetPassword", edition: "redis", length: 11, instancePolicy: own(8, 4, 4, 4) },
      [
        `PASSWORD_LENGTH is 11, but ${ask} (length 8, letters 4, digits 4, specials 4) asks for at least 12 ` +
          "characters: raise PASSWORD_LENGTH or relax the instance's policy",
      ],
    ],
    [
      "between the instance's length and the API",
      { api: "ResetPassword", edition: "redis", instancePolicy: own(33, 1, 1, 1) },
      [
        `${ask} (length 33, letters 1, digits 1, specials 1) asks for at least 33 characters, but ` +
          "ResetPassword takes 8 to 32 characters: relax the instance's policy",
      ],
    ],
    [
      "between the instance's counts, the two classes and the API",
      { api: "ResetPassword", edition: "redis", instancePolicy: own(8, 0, 32, 0) },
      [
        `${ask} (length 8, letters 0, digits 32, specials 0) asks for at least 33 characters, but ` +
          "ResetPassword takes 8 to 32 characters: relax the instance's policy",
      ],
    ],
    [
      "between specials and a CKV edition",
      { api: "ResetPassword", edition: "ckv", instancePolicy: own(8, 1, 1, 2) },
      [
        `${ask} asks for specials (2), but ResetPassword on a CKV edition takes none that needs no escape in a ` +
          "URL or a shell: switch the instance's policy off",
      ],
    ],
    [
      "between specials and API 2.0",
      { api: "ModfiyRedisPassword", edition: "redis", instancePolicy: own(8, 1, 1, 1) },
      [
        `${ask} asks for specials (1), but ModfiyRedisPassword takes none that needs no escape in a URL or a ` +
          "shell: switch the instance's policy off or use another api",
      ],
    ],
    [
      "of every sort at once",
      { api: "ModfiyRedisPassword", edition: "ckv", length: 17, instancePolicy: own(20, 1, 1, 1) },
      [
        `${ask} (length 20, letters 1, digits 1, specials 1) asks for at least 20 characters, but ` +
          "ModfiyRedisPassword on a CKV edition takes 8 to 16 characters: relax the instance's policy",
        "PASSWORD_LENGTH is 17, but ModfiyRedisPassword on a CKV edition takes 8 to 16 characters: change PASSWORD_LENGTH",
        `PASSWORD_LENGTH is 17, but ${ask} (length 20, letters 1, digits 1, specials 1) asks for at least 20 ` +
          "characters: raise PASSWORD_LENGTH or relax the instance's policy",
        `${ask} asks for specials (1), but ModfiyRedisPassword on a CKV edition takes none that needs no escape in a ` +
          "URL or a shell: switch the instance's policy off",
      ],
    ],
  ])("%s is named with both sides and what to change", (_, options, messages) => {
    const error = contradictionOf(options);
    expect(error).toMatchObject({ code: "PolicyContradiction", effect: "none" });
    expect(error?.message.split("; ")).toEqual(messages);
  });
});

function contradictionOf(options: PolicyOptions): RotationError | undefined {
  try {
    passwordPolicy(options);
    return undefined;
  } catch (error) {
    if (error instanceof RotationError) return error;
    throw error;
  }
}

/** 25 passwords of two characters out of `abA`, `1` and `.`, in this order: 5 random bits a candidate. */
const TINY: EffectivePolicy = {
  minLength: 1,
  maxLength: 8,
  length: 2,
  classes: ["ab", "A", "1", "."],
  forbiddenFirst: "",
  minimums: { letters: 0, digits: 0, specials: 0 },
  generated: { letters: "abA", digits: "1", specials: "." },
};

/** Gives each candidate in turn, followed by healthy spare bytes, and counts the calls. */
function scripted(...candidates: number[][]): {
  readonly randomBytes: RandomBytes;
  readonly sizes: number[];
} {
  const sizes: number[] = [];
  const randomBytes = (size: number) => {
    const candidate = candidates[sizes.length];
    sizes.push(size);
    if (candidate === undefined) throw new RangeError("the script is over");
    return Uint8Array.from([...candidate, ...Array.from({ length: size - candidate.length }, (_, i) => i)]);
  };
  return { randomBytes, sizes };
}

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

/** All words of that length out of the characters. */
function words(characters: string, length: number): string[] {
  if (length === 0) return [""];
  return words(characters, length - 1).flatMap((word) =>
    [...characters].map((character) => word + character),
  );
}

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

describe("for any instance policy, edition and PASSWORD_LENGTH", () => {
  const counts = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 35 }));
  const instancePolicies = fc.record({
    minLength: fc.oneof(fc.constant(8), fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 70 })),
    minLetters: counts,
    minDigits: counts,
    minSpecials: counts,
  });
  const optionsOf: fc.Arbitrary<PolicyOptions> = fc.record(
    {
      api: fc.constantFrom(...APIS),
      edition: fc.constantFrom(...EDITIONS),
      instancePolicy: instancePolicies,
      length: fc.integer({ min: 1, max: 70 }),
    },
    { requiredKeys: ["api", "edition"] },
  );

  /** Tries passwords that have the minimum counts and fill the rest with one kind, at every length. */
  function isSatisfiable({ api, edition, instancePolicy = own(0, 0, 0, 0), length }: PolicyOptions): boolean {
    const { minLength, minLetters, minDigits, minSpecials } = instancePolicy;
    const least =
      "aA".repeat(minLetters).slice(0, minLetters) + "0".repeat(minDigits) + "_".repeat(minSpecials);
    const rule = passwordPolicy({ api, edition });
    const lengths = length === undefined ? Array.from({ length: 70 }, (_, index) => index) : [length];
    return lengths
      .filter((candidate) => candidate >= minLength && candidate >= least.length)
      .some((candidate) =>
        ["a0", "0a"].some((filling) => {
          const password = least + filling.repeat(candidate).slice(0, candidate - least.length);
          return violations(rule, password).length === 0;
        }),
      );
  }

  it("there is either a contradiction or a compliant password of the length asked for", () => {
    let contradictory = 0;
    fc.assert(
      fc.property(optionsOf, fc.integer({ min: 0, max: 255 }), (options, seed) => {
        const contradiction = contradictionOf(options);
        expect(contradiction === undefined).toBe(isSatisfiable(options));
        if (contradiction !== undefined) {
          contradictory += 1;
          return;
        }
        const policy = passwordPolicy(options);
        const password = generatePassword(policy, seeded(seed));
        expect(namesOf(policy, password)).toEqual([]);
        expect(password).toHaveLength(options.length ?? policy.length);
        expect(
          [...password].filter((one) => !Object.values(policy.generated).join("").includes(one)),
        ).toEqual([]);
      }),
      { numRuns: 300, seed: 1 },
    );
    expect(contradictory).toBeGreaterThan(50);
    expect(contradictory).toBeLessThan(250);
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

describe("a generated password is plain text", () => {
  const randomBytes = seeded(2);
  const passwords = APIS.flatMap((api) => [
    ...Array.from({ length: 100 }, () => generatePassword(policyOf(api), randomBytes)),
    // As many specials as can be, and a different one in front each time.
    ...(api === "ModfiyRedisPassword"
      ? []
      : Array.from({ length: 100 }, () =>
          generatePassword(policyOf(api, own(8, 0, 0, 16), 18), randomBytes),
        )),
  ]);

  it("in a redis:// URL", () => {
    for (const password of passwords) {
      const url = `redis://:${password}@h:6379/0`;
      expect(new URL(url).password).toBe(password);
      expect(new URL(url).href).toBe(url);
    }
  });

  it("in JSON and .env", () => {
    for (const password of passwords) {
      expect(JSON.stringify(password)).toBe(`"${password}"`);
      expect(parseEnv(`REDIS_PASSWORD=${password}\n`)).toEqual({ REDIS_PASSWORD: password });
    }
  });

  it("as an unquoted word of a shell", () => {
    const script = passwords.map(
      (password) => `printf '%s\\n' ${password}; p=${password}; printf '%s\\n' $p\n`,
    );
    const { stdout, stderr } = spawnSync("bash", [], { input: script.join(""), encoding: "utf8" });
    expect(stderr).toBe("");
    expect(stdout.trimEnd().split("\n")).toEqual(passwords.flatMap((password) => [password, password]));
  });

  it("and has nothing but letters and digits on a CKV edition", () => {
    for (const api of APIS) {
      const policy = passwordPolicy({ api, edition: "ckv" });
      expect(generatePassword(policy, randomBytes)).toMatch(/^[A-Za-z0-9]+$/);
    }
  });
});

describe("docs/passwords.md", () => {
  const text = readFileSync(new URL("../docs/passwords.md", import.meta.url), "utf8");
  const rows = text
    .slice(text.indexOf("## The strength"))
    .split("\n")
    .filter((line) => /^\| `[A-Z]/.test(line))
    .map((line) => line.split("|").map((cell) => cell.trim().replaceAll("`", "")))
    .map(([, api, edition, instancePolicy, length, alphabet, bits]) => {
      const [minLength = 0, ...counts] = [...(instancePolicy ?? "").matchAll(/\d+/g)].map(Number);
      const [minLetters = 0, minDigits = 0, minSpecials = 0] = counts;
      return {
        api: api as PasswordApi,
        edition: edition as "redis" | "ckv",
        instancePolicy: own(minLength, minLetters, minDigits, minSpecials),
        length: Number(length),
        alphabet,
        bits,
      };
    });

  it.each(rows)(
    "tells the strength of $api, edition $edition, at $length characters",
    ({ alphabet, bits, ...options }) => {
      const policy = passwordPolicy(options);
      const { specials } = policy.generated;
      expect(alphabet).toBe(specials === "" ? "letters, digits" : `letters, digits and ${specials}`);
      expect(bits).toBe(entropyBits(policy).toFixed(2));
    },
  );

  it.each(APIS.flatMap((api) => EDITIONS.map((edition) => ({ api, edition }))))(
    "tells the strength of the default for $api, edition $edition",
    ({ api, edition }) => {
      const { length } = passwordPolicy({ api, edition });
      expect(rows).toContainEqual(
        expect.objectContaining({ api, edition, length, instancePolicy: own(0, 0, 0, 0) }),
      );
    },
  );
});
