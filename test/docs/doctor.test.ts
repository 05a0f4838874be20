import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { CHECKS } from "../../handler/cli/doctor/checks.ts";
import { built } from "../integration/world.ts";
import { masked, type Played, play, SCENES } from "./doctor-scenes.ts";

const page = readFileSync("docs/doctor.md", "utf8");
const schema = JSON.parse(readFileSync("docs/schemas/doctor.schema.json", "utf8"));
const isValid = new Ajv2020({ strict: true, allErrors: true }).compile(schema);

/** What the page shows below a heading. */
function shownUnder(heading: string): string {
  const section = page.slice(page.indexOf(`\n## ${heading}\n`));
  return /```console\n([\s\S]*?)```\n/.exec(section)?.[1] ?? "";
}

/** Whatever of the cloud nobody may see. */
function secretsOf({ cloud }: Played): string[] {
  const { TENCENTCLOUD_SECRET_ID, TENCENTCLOUD_SECRET_KEY, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } =
    cloud.environment;
  const passwords = [...cloud.redis.keys()].flatMap(
    (instanceId) => /"password":"([^"]+)"/.exec(cloud.secrets.currentText(instanceId))?.[1] ?? [],
  );
  const keys = [TENCENTCLOUD_SECRET_ID, TENCENTCLOUD_SECRET_KEY, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY];
  return [...passwords, ...keys.filter((key) => key !== undefined), "somebody-elses", "changed-by-hand-1"];
}

// Each starts a cloud of its own.
describe.concurrent("docs/doctor.md shows what doctor prints where", { timeout: 60_000 }, () => {
  it.each(SCENES.map((scene) => [scene.heading, scene] as const))("%s", async (_, scene) => {
    const played = await play(scene, built("cli.js"));
    expect([played.exit, played.stderr]).toEqual([scene.exit, ""]);
    expect(`$ redis-rotation doctor\n${masked(played.stdout)}`).toBe(shownUnder(scene.heading));
    const secrets = secretsOf(played);
    expect(secrets.length).toBeGreaterThan(4);
    for (const secret of secrets) expect(played.stdout).not.toContain(secret);
  });
});

describe("doctor --json", () => {
  const some = SCENES.filter(({ heading }) => /^Variables|no JSON$/.test(heading));

  it.each(some.map((scene) => [scene.heading, scene] as const))(
    "keeps its schema where %s",
    async (_, scene) => {
      const played = await play(scene, built("cli.js"), "--json");
      expect(played.exit).toBe(scene.exit);
      const report = JSON.parse(played.stdout);
      isValid(report);
      expect(isValid.errors).toBeNull();
      const counts = Object.values<number>(report.summary);
      expect(counts.reduce((sum, count) => sum + count)).toBe(report.checks.length);
      for (const secret of secretsOf(played)) expect(played.stdout).not.toContain(secret);
    },
  );

  it("has a schema that names every check, and refuses what is none", () => {
    expect(schema.$defs.check.properties.name.enum).toEqual(CHECKS);
    const check = { name: "redis", status: "bad", found: "x", durationMs: 0 };
    const summary = { good: 0, bad: 1, unknown: 0, skipped: 0 };
    expect(isValid({ checks: [{ ...check, fix: "y" }], summary })).toBe(true);
    expect(isValid({ checks: [check], summary })).toBe(false);
    expect(isValid({ checks: [{ ...check, fix: "y", name: "other" }], summary })).toBe(false);
  });
});

it("each check has a row in docs/doctor.md", () => {
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \| [a-z].*\| .* \|$/gm)].map(([, name]) => name);
  expect(rows).toEqual(CHECKS);
});
