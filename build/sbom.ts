import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

interface Component {
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
}

interface Locked {
  readonly version: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
}

interface Lock {
  readonly packages: Readonly<Record<string, Locked>>;
}

/** The part of a CycloneDX 1.5 document that is looked at here. */
export interface Sbom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly metadata: { readonly component: { readonly name: string; readonly "bom-ref": string } };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/** The software bill of materials: every package that may be in a bundle, as the lockfile has it. Needs no network. */
export async function makeSbom(): Promise<Sbom> {
  const options = ["--sbom-format=cyclonedx", "--sbom-type=application", "--package-lock-only"];
  const { stdout } = await promisify(execFile)("npm", ["sbom", ...options], { maxBuffer: 64 * 1024 * 1024 });
  const all: Sbom = JSON.parse(stdout);
  const { name } = JSON.parse(await readFile("package.json", "utf8"));
  const shipped = await shippedPackages();
  const root = all.metadata.component["bom-ref"];
  const isIn = (ref: string) => ref === root || shipped.has(ref);
  return {
    ...all,
    // npm calls it what the folder is called.
    metadata: { ...all.metadata, component: { ...all.metadata.component, name } },
    components: all.components.filter((component) => isIn(component["bom-ref"])),
    dependencies: all.dependencies
      .filter(({ ref }) => isIn(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(isIn) })),
  };
}

/**
 * `name@version` of what the lockfile has outside development, without what a package can do without, such as the compiler that
 * Valibot's types are for. npm's --omit=dev leaves out what a tool needs as well as the product,
 * and npm's own mark is that of the first place where a package is.
 */
async function shippedPackages(): Promise<ReadonlySet<string>> {
  const lock: Lock = JSON.parse(await readFile("package-lock.json", "utf8"));
  const shipped = Object.entries(lock.packages).filter(
    ([path, { dev, optional, devOptional }]) => path !== "" && !dev && !optional && !devOptional,
  );
  return new Set(shipped.map(([path, { version }]) => `${path.replace(/^.*node_modules\//, "")}@${version}`));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sbom = await makeSbom();
  await mkdir("dist", { recursive: true });
  await writeFile("dist/sbom.cdx.json", `${JSON.stringify(sbom, undefined, 2)}\n`);
}
