import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

interface Component {
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly properties: readonly { readonly name: string; readonly value: string }[];
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
}

/** The part of a CycloneDX 1.5 document that is looked at here. */
export interface Sbom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly metadata: { readonly component: { readonly name: string } };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/** The software bill of materials: every package that may be in a bundle, as the lockfile has it. Needs no network. */
export async function makeSbom(): Promise<Sbom> {
  const options = ["--sbom-format=cyclonedx", "--sbom-type=application", "--package-lock-only"];
  const { stdout } = await promisify(execFile)("npm", ["sbom", ...options], { maxBuffer: 64 * 1024 * 1024 });
  const all: Sbom = JSON.parse(stdout);
  const { name } = JSON.parse(await readFile("package.json", "utf8"));
  // npm's own --omit=dev leaves out what a tool needs as well as the product: zod, for one.
  const left = all.components.filter(isForDevelopment).map((component) => component["bom-ref"]);
  const isIn = (ref: string) => !left.includes(ref);
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

function isForDevelopment({ properties }: Component): boolean {
  return properties.some(({ name, value }) => name === "cdx:npm:package:development" && value === "true");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sbom = await makeSbom();
  await mkdir("dist", { recursive: true });
  await writeFile("dist/sbom.cdx.json", `${JSON.stringify(sbom, undefined, 2)}\n`);
}
