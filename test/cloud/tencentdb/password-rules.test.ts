import { describe, expect, it } from "vitest";
import { acceptsPassword } from "./password-rules.ts";

const REDIS = 15;
const ALL = [
  ...(["ResetPassword", "ModifyInstancePassword", "ModfiyInstancePassword"] as const),
  ...(["ModifyInstanceAccount", "CreateInstanceAccount", "ModfiyRedisPassword"] as const),
];
const policy = { Enabled: true, MinLength: 12, MinLetterCount: 2, MinDigitCount: 3, MinSpecialCount: 1 };

describe("the password rule", () => {
  it.each([
    ["the document's sample", "zy456987", REDIS],
    ["32 characters", `a1${"b".repeat(30)}`, REDIS],
    ["two cases of letters", "AbcdefgH", REDIS],
    ["every special character", "()~!@#$%^&*-+=_|{}[]:;<>,.?/a", REDIS],
    ["letters and digits for CKV", "abcdefg1", 3],
  ])("takes %s", (_, password, type) => {
    expect(acceptsPassword(password, type, undefined)).toBe(true);
  });

  it.each([
    ["7 characters", "zy45698", REDIS],
    ["33 characters", `a1${"b".repeat(31)}`, REDIS],
    ["a leading slash", "/zy456987", REDIS],
    ["one class alone", "abcdefgh", REDIS],
    ["a space", "zy 456987", REDIS],
    ["a backtick", "zy`456987", REDIS],
    ["a quote", 'zy"456987', REDIS],
    ["a letter outside ASCII", "zy456987é", REDIS],
    ["a special character for CKV", "abcdefg1!", 4],
    ["31 characters for CKV", `a1${"b".repeat(29)}`, 3],
    ["letters alone for CKV", "AbcdefgH", 3],
  ])("refuses %s", (_, password, type) => {
    expect(acceptsPassword(password, type, undefined)).toBe(false);
  });

  it.each([
    ["abcdefgh12!xx", false],
    ["abcdefgh123!", true],
    ["abcdefgh1234", false],
    ["ab123!", false],
    ["a23456789012!", false],
  ])("follows the instance's own policy as well: %s", (password, accepted) => {
    expect(acceptsPassword(password, REDIS, policy)).toBe(accepted);
  });

  it("ignores a policy that is switched off", () => {
    expect(acceptsPassword("zy456987", REDIS, { ...policy, Enabled: false })).toBe(true);
  });

  it.each([
    ["ResetPassword", 32],
    ["ModifyInstancePassword", 30],
    ["ModfiyInstancePassword", 64],
    ["ModifyInstanceAccount", 64],
    ["CreateInstanceAccount", 64],
    ["ModfiyRedisPassword", 16],
  ] as const)("of %s takes 8 to %i characters, and no more", (action, maximum) => {
    const lengths = [7, 8, maximum, maximum + 1];
    const accepted = lengths.filter((length) =>
      acceptsPassword(`a${"1".repeat(length - 1)}`, REDIS, undefined, action),
    );
    expect(accepted).toEqual([8, maximum]);
  });

  it.each([
    ["a backtick", "zy`456987", ["ModifyInstanceAccount", "CreateInstanceAccount"]],
    ["an asterisk", "zy*456987", ALL.filter((action) => action !== "ModfiyRedisPassword")],
    ["two cases of letters alone", "AbcdefgH", ALL.filter((action) => action !== "ModfiyRedisPassword")],
    ["a bracket", "(y456987)", ALL],
    ["a leading slash", "/zy456987", []],
  ] as const)("takes %s only where the action's document has it", (_, password, takers) => {
    expect(ALL.filter((action) => acceptsPassword(password, REDIS, undefined, action))).toEqual(takers);
  });
});
