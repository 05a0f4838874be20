import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { makeSbom } from "../build/sbom.ts";

interface Locked {
  readonly version: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
  readonly hasInstallScript?: boolean;
}

const lock = JSON.parse(await readFile("package-lock.json", "utf8"));
const locked = Object.entries<Locked>(lock.packages).filter(([path]) => path !== "");
const nameOf = (path: string) => path.replace(/^.*node_modules\//, "");

describe("the lockfile", () => {
  it("has a hash of every package", () => {
    expect(locked.length).toBeGreaterThan(100);
    expect(locked.filter(([, { integrity }]) => !integrity?.startsWith("sha512-"))).toEqual([]);
  });

  it("lets no package that may be in a bundle run a script when it is installed", () => {
    const scripted = locked.filter(([, { hasInstallScript }]) => hasInstallScript);
    expect(scripted.filter(([, { dev }]) => dev !== true)).toEqual([]);
  });
});

describe("the software bill of materials", () => {
  it("names every package that may be in a bundle, by version and hash, and no other", async () => {
    const { bomFormat, specVersion, metadata, components, dependencies } = await makeSbom();
    expect([bomFormat, specVersion]).toEqual(["CycloneDX", "1.5"]);
    expect(metadata.component.name).toBe("tencentdb-redis-rotation");
    const shipped = locked.filter(([, { dev, optional, devOptional }]) => !dev && !optional && !devOptional);
    const wanted = new Set(shipped.map(([path, { version }]) => `${nameOf(path)}@${version}`));
    expect(components.map(({ name, version }) => `${name}@${version}`).sort()).toEqual([...wanted].sort());
    expect(components.map(({ name }) => name)).not.toContain("typescript");
    for (const { name, hashes, purl } of components) {
      expect(
        hashes?.map(({ alg }) => alg),
        name,
      ).toEqual(["SHA-512"]);
      expect(purl).toMatch(/^pkg:npm\//);
    }
    const refs = components.map((component) => component["bom-ref"]);
    expect(dependencies.map(({ ref }) => ref).sort()).toEqual(
      [...refs, metadata.component["bom-ref"]].sort(),
    );
    for (const { dependsOn } of dependencies) expect(refs).toEqual(expect.arrayContaining([...dependsOn]));
  });
});

describe("the workflow", async () => {
  const text = await readFile(".github/workflows/ci.yml", "utf8");
  const { permissions, jobs } = parse(text);
  const steps = Object.values<{ steps: { uses?: string; run?: string }[] }>(jobs).flatMap((job) => job.steps);

  it("takes each action by its whole commit, and says which release that is", () => {
    const uses = text.match(/uses: .*/g) ?? [];
    expect(uses).toHaveLength(steps.filter(({ uses: action }) => action).length);
    for (const action of uses)
      expect(action).toMatch(/^uses: actions\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it("may read the repository, and nothing else", () => {
    expect(permissions).toEqual({ contents: "read" });
    for (const job of Object.values<object>(jobs)) expect(job).not.toHaveProperty("permissions");
    expect(text).not.toMatch(/secrets\.|pull_request_target/);
  });

  it("runs what must hold before a change is merged, and looks for advisories", () => {
    const commands = steps.map(({ run }) => run);
    expect(commands).toContain(".ci/run");
    expect(commands).toContain("npm audit --audit-level=high");
  });
});
