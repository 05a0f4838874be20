import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RotationError } from "../lib/errors.ts";
import { parseSecretValue, withCredentials } from "../lib/secret-value.ts";

const SECRET_ID = "redis/orders";
const PASSWORD = "tOp-Secret!2026";
const LEAST = {
  engine: "tencentdb-redis",
  region: "ap-guangzhou",
  instanceId: "crs-5a4py64p",
  password: PASSWORD,
};
const LEAST_READ = {
  region: "ap-guangzhou",
  instanceId: "crs-5a4py64p",
  ssl: false,
  username: "default",
  password: PASSWORD,
  api: "ResetPassword",
};

const read = (fields: object) => parseSecretValue(JSON.stringify({ ...LEAST, ...fields }), SECRET_ID);

function problemsOf(text: string): string {
  try {
    parseSecretValue(text, SECRET_ID);
  } catch (error) {
    expect(error).toMatchObject({ name: "RotationError", code: "SecretInvalid", effect: "none" });
    const { message, cause } = error as RotationError;
    expect(cause).toBeUndefined();
    expect(message).not.toContain(PASSWORD);
    return message.replace(`The value of secret ${SECRET_ID} cannot be used: `, "");
  }
  throw new Error("It was accepted");
}

const fieldsOf = (problems: string) => problems.split("; ").map((problem) => problem.split(":")[0]);

describe("parseSecretValue", () => {
  it("fills the defaults in", () => {
    expect(read({})).toMatchObject(LEAST_READ);
    expect(Object.keys(read({}))).not.toEqual(expect.arrayContaining(["host"]));
    expect(Object.keys(read({}))).not.toEqual(expect.arrayContaining(["port"]));
  });

  it.each([
    [
      { host: "10.0.0.5", port: 6379, ssl: true },
      { host: "10.0.0.5", port: 6379, ssl: true },
    ],
    [{ host: "fd00::5" }, { host: "fd00::5" }],
    [{ host: "redis_1.example.internal" }, { host: "redis_1.example.internal" }],
    [{ port: "6379" }, { port: 6379 }],
    [{ port: "1" }, { port: 1 }],
    [{ port: 65_535 }, { port: 65_535 }],
    [{ ssl: "true" }, { ssl: true }],
    [{ ssl: "false" }, { ssl: false }],
    [{ username: "" }, { username: "default" }],
    [{ username: "default" }, { username: "default" }],
    [{ username: "root" }, { username: "default" }],
    [{ api: "ResetPassword" }, { api: "ResetPassword" }],
    [{ api: "ModifyInstancePassword" }, { api: "ModifyInstancePassword" }],
    [{ api: "ModfiyRedisPassword" }, { api: "ModfiyRedisPassword" }],
    [{ api: "ModifyInstanceAccount" }, { api: "ModifyInstanceAccount", username: "default" }],
    [{ username: "app_a" }, { username: "app_a", api: "ModifyInstanceAccount" }],
    [
      { usernames: ["app_a", "app_b"] },
      { username: "default", usernames: ["app_a", "app_b"], api: "ModifyInstanceAccount" },
    ],
    [
      { username: "app_b", usernames: "app_a, app_b" },
      { username: "app_b", usernames: ["app_a", "app_b"], api: "ModifyInstanceAccount" },
    ],
    [{ region: "ap-shanghai-fsi" }, { region: "ap-shanghai-fsi" }],
    [{ region: "na-siliconvalley" }, { region: "na-siliconvalley" }],
    [{ password: "" }, { password: "" }],
    [{ team: { name: "orders" }, dbname: 0 }, {}],
  ])("takes %j, as JSON or as the console of Secrets Manager writes it", (fields, value) => {
    expect(read(fields)).toMatchObject({ ...LEAST_READ, ...value });
  });

  it.each<[string, object]>([
    ["engine", { engine: "redis" }],
    ["engine", { engine: undefined }],
    ["region", { region: "guangzhou" }],
    ["region", { region: undefined }],
    ["region", { region: "ap-guangzhou.evil.example" }],
    ["region", { region: "ap-guangzhou\n" }],
    ["region", { region: "127.0.0.1:9/-fsi" }],
    ["instanceId", { instanceId: "crs" }],
    ["instanceId", { instanceId: "crs-5a4py64p crs-ifmymj41" }],
    ["instanceId", { instanceId: 7 }],
    ["host", { host: "" }],
    ["host", { host: "redis://10.0.0.5" }],
    ["host", { host: "user@10.0.0.5" }],
    ["port", { port: 0 }],
    ["port", { port: 65_536 }],
    ["port", { port: 6379.5 }],
    ["port", { port: "" }],
    ["port", { port: "0x18eb" }],
    ["port", { port: "6379 " }],
    ["port", { port: null }],
    ["ssl", { ssl: "yes" }],
    ["ssl", { ssl: 1 }],
    ["username", { username: "app@orders" }],
    ["username", { username: "a".repeat(33) }],
    ["password", { password: undefined }],
    ["password", { password: 12_345_678 }],
    ["api", { api: "ModifyDBInstance" }],
    ["api", { username: "app_a", api: "ResetPassword" }],
    ["api", { username: "app_a", api: "ModifyInstancePassword" }],
    ["api", { username: "app_a", api: "ModfiyRedisPassword" }],
    ["api", { usernames: ["app_a", "app_b"], api: "ResetPassword" }],
    ["usernames", { usernames: ["app_a"] }],
    ["usernames", { usernames: ["app_a", "app_b", "app_c"] }],
    ["usernames", { usernames: ["app_a", "app_a"] }],
    ["usernames", { usernames: "app_a" }],
    ["usernames", { usernames: "app_a,app_a" }],
    ["usernames", { usernames: { a: "app_a" } }],
    ["usernames.0", { usernames: ["app a", "app_b"] }],
    ["usernames.1", { usernames: ["app_a", "app@b"] }],
    ["usernames.1", { usernames: ["app_a", 7] }],
    ["usernames.1", { usernames: ["app_a", "root"] }],
    ["usernames.0", { usernames: ["default", "app_b"] }],
  ])("refuses a bad %s: %j", (field, fields) => {
    const problems = problemsOf(JSON.stringify({ ...LEAST, ...fields }));
    expect(fieldsOf(problems)).toEqual([field]);
    expect(problems).not.toMatch(/app_|evil|12345678/);
  });

  it("names every bad field at once, and no value", () => {
    const bad = {
      engine: "secret-1",
      region: "secret-2",
      instanceId: "secret=3",
      host: "secret/4",
      port: "secret-5",
      ssl: "secret-6",
      username: "secret 7",
      password: ["secret-8"],
      api: "secret-9",
    };
    const problems = problemsOf(JSON.stringify(bad));
    expect(fieldsOf(problems)).toEqual(Object.keys(bad));
    expect(problems).not.toMatch(/secret/);
  });

  it.each([
    ["it is not JSON", `{"password":"${PASSWORD}"`],
    ["it is not JSON", PASSWORD],
    ["it is not JSON", ""],
    ["(whole): ", `"${PASSWORD}"`],
    ["(whole): ", `["${PASSWORD}"]`],
    ["(whole): ", "null"],
  ])("says %s, and does not quote it", (says, text) => {
    expect(problemsOf(text)).toContain(says);
  });
});

const NEW = { username: "default", password: "new" };

describe("withCredentials", () => {
  it("changes the password and nothing else", () => {
    const other = fc.dictionary(
      fc.string({ maxLength: 8 }).filter((name) => !["password", "__proto__"].includes(name)),
      fc.jsonValue({ maxDepth: 2 }),
    );
    fc.assert(
      fc.property(other, fc.string(), (fields, password) => {
        const text = JSON.stringify({ ...LEAST, ...fields });
        const changed = withCredentials(text, { username: "default", password });
        expect(JSON.parse(changed)).toEqual({ ...JSON.parse(text), password });
        expect(Object.keys(JSON.parse(changed))).toEqual(Object.keys(JSON.parse(text)));
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ["numbers that JavaScript rounds", '{"n":12345678901234567890,"f":1.0,"big":1e400,"password":"old"}'],
    ["blanks and the order", '{\n  "z": 1,\n  "password" : "old",\n  "a": [ ]\n}\n'],
    ["another field of that name inside", '{"a":{"password":"other"},"password":"old"}'],
    ["letters written as numbers", '{"note":"\\u00fc","password":"old"}'],
  ])("keeps %s to the letter", (_, text) => {
    expect(withCredentials(text, NEW)).toBe(text.replace('"old"', '"new"'));
  });

  it.each([
    ["named twice", '{"password":"first","password":"last"}'],
    ["with its name in numbers", '{"p\\u0061ssword":"old"}'],
  ])("changes the password that is read, also where it is %s", (_, text) => {
    expect(JSON.parse(withCredentials(text, NEW)).password).toBe("new");
  });

  it("keeps a field that looks like a part of the language", () => {
    const text = `{"password":"old","__proto__":{"x":1},"constructor":2}`;
    expect(withCredentials(text, NEW)).toBe(text.replace("old", "new"));
  });

  it.each([
    ["default", "{}"],
    ["default", '{"username":"root"}'],
    ["default", '{"username":""}'],
    ["app_a", '{"username":"app_a"}'],
  ])("leaves the name of account %s as it is written in %s", (username, text) => {
    const changed = JSON.parse(withCredentials(text, { username, password: "new" }));
    expect(changed).toEqual({ ...JSON.parse(text), password: "new" });
  });

  it.each([
    [
      "app_b",
      '{"username":"app_a","password":"old","n":1.0}',
      '{"username":"app_b","password":"new","n":1.0}',
    ],
    ["app_b", '{"password":"old"}', '{"password":"new","username":"app_b"}'],
    ["default", '{"username":"app_a","password":"old"}', '{"username":"default","password":"new"}'],
  ])("names the other account %s", (username, text, expected) => {
    const changed = withCredentials(text, { username, password: "new" });
    expect(JSON.parse(changed)).toEqual(JSON.parse(expected));
    expect(changed.includes('"n":1.0')).toBe(text.includes('"n":1.0'));
  });
});
