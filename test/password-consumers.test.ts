import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  entropyBits,
  generatePassword,
  type PolicyOptions,
  passwordPolicy,
  violations,
} from "../lib/password.ts";
import type { PasswordApi } from "../lib/ports.ts";

import { APIS, contradictionOf, EDITIONS, namesOf, own, policyOf, seeded } from "./passwords.ts";

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
