import { describe, expect, it } from "vitest";
import { generatePassword, type PolicyOptions, passwordPolicy, violations } from "../lib/password.ts";

import {
  contradictionOf,
  DIGITS,
  LOWER,
  namesOf,
  own,
  policyOf,
  SPECIALS_3,
  seeded,
  UPPER,
} from "./passwords.ts";

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

describe("a password that is too long", () => {
  it("is told the longest that is taken", () => {
    expect(violations(policyOf("ResetPassword"), `${"abcd1234".repeat(4)}5`)).toEqual([
      { name: "too-long", sentence: "It has more than 32 characters." },
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
