import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build } from "esbuild";

const common: BuildOptions = {
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  minify: true,
  legalComments: "none",
  // ES modules first: esbuild drops from them what nobody calls.
  mainFields: ["module", "main"],
  logLevel: "warning",
};

/** Each folder under dist is complete: what is in it can be zipped and uploaded as it is. */
export async function buildAll(outdir = "dist"): Promise<void> {
  const bundles: BuildOptions[] = [
    { entryPoints: ["handler/lambda.ts"], outfile: `${outdir}/lambda/index.js` },
    { entryPoints: ["handler/scf.ts"], outfile: `${outdir}/scf/index.js` },
  ];
  await Promise.all(bundles.map((bundle) => build({ ...common, ...bundle })));
  await build({
    ...common,
    entryPoints: ["handler/cli.ts"],
    outfile: `${outdir}/cli.js`,
    format: "esm",
    banner: {
      js: "#!/usr/bin/env node\nimport{createRequire}from'node:module';const require=createRequire(import.meta.url);",
    },
  });
  // Node takes a .js file for what the nearest package.json says it is.
  const commonjs = JSON.stringify({ type: "commonjs" });
  await Promise.all(
    ["lambda", "scf"].map((folder) => writeFile(`${outdir}/${folder}/package.json`, commonjs)),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildAll();
