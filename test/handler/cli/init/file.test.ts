import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nextSteps, writePrivate } from "../../../../handler/cli/init/file.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "init-file-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe("the file of a secret", () => {
  it("is its owner's alone", () => {
    const file = writePrivate(join(directory, "new.json"), "text");
    expect([statSync(file).mode & 0o777, readFileSync(file, "utf8")]).toEqual([0o600, "text"]);
  });

  it("never takes another's place, also where that came in the last moment", () => {
    const file = join(directory, "there.json");
    writeFileSync(file, "mine");
    expect(() => writePrivate(file, "text")).toThrow(/is there already/);
    expect(readFileSync(file, "utf8")).toBe("mine");
  });

  it("says that it cannot be written", () => {
    expect(() => writePrivate(join(directory, "none", "x.json"), "text")).toThrow(
      /cannot be written \(ENOENT\)/,
    );
  });
});

describe("what comes next", () => {
  const written = {
    file: "/home/me/it's here/crs-1.json",
    secretName: "redis/orders",
    region: "ap-guangzhou",
    host: "10.0.0.5",
    port: 6379,
    ssl: true,
    proven: true,
  };

  it("is a command of AWS, each path one word of the shell", () => {
    expect(nextSteps({ ...written, store: "aws", storeRegion: "eu-west-1" })).toBe(`\
The password opens Redis at 10.0.0.5:6379, with TLS.
/home/me/it's here/crs-1.json holds the secret, and only you can read it. Next:

  aws secretsmanager create-secret --region eu-west-1 --name redis/orders --secret-string 'file:///home/me/it'\\''s here/crs-1.json'
  rm '/home/me/it'\\''s here/crs-1.json'
  redis-rotation doctor --store aws redis/orders
`);
  });

  it("is a command of Tencent Cloud, in the instance's region where no other is set", () => {
    const text = nextSteps({ ...written, store: "ssm", storeRegion: undefined, proven: false });
    expect(text).toContain("tccli ssm CreateSecret --region ap-guangzhou --cli-input-json 'file:///home");
    expect(text).not.toContain("opens Redis");
  });
});
