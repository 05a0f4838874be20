import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Metafile, transform } from "esbuild";
import { LEFT_OUT, LEFT_OUT_OF_FUNCTIONS, leaveOut } from "./build/left-out.ts";
import { type Parts, readParts } from "./handler/report/parts.ts";

const common = {
  bundle: true,
  platform: "node",
  target: "node20",
  legalComments: "none",
  // ES modules first: esbuild drops from them what nobody calls.
  mainFields: ["module", "main"],
  logLevel: "warning",
  metafile: true,
} as const satisfies BuildOptions;

const minified = { minify: true, legalComments: "none", target: common.target } as const;
/** What the report page of the command is made of: dist/cli.js is one file. */
export const REPORT_PARTS = constants(readParts());

/** What esbuild tells of each bundle: what is in it, and from where. */
export interface Bundles {
  readonly lambda: Metafile;
  readonly scf: Metafile;
  readonly cli: Metafile;
}

/** Each folder under dist is complete: what is in it can be zipped and uploaded as it is. */
export async function buildAll(outdir = "dist"): Promise<Bundles> {
  const [lambda, scf, cli] = await Promise.all([
    buildFunction("handler/lambda.ts", `${outdir}/lambda`),
    buildFunction("handler/scf.ts", `${outdir}/scf`),
    buildCli("handler/cli.ts", `${outdir}/cli.js`),
  ]);
  return { lambda, scf, cli };
}

async function buildFunction(entry: string, folder: string): Promise<Metafile> {
  const { metafile, outputFiles } = await build({
    ...common,
    format: "cjs",
    minifyIdentifiers: true,
    minifySyntax: true,
    entryPoints: [entry],
    outfile: `${folder}/index.js`,
    plugins: [leaveOut(LEFT_OUT_OF_FUNCTIONS)],
    write: false,
  });
  const { code } = await transform(compiledAtOnce(outputFiles[0]?.text ?? ""), minified);
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/index.js`, code);
  // Node takes a .js file for what the nearest package.json says it is.
  await writeFile(`${folder}/package.json`, JSON.stringify({ type: "commonjs" }));
  return metafile;
}

/**
 * esbuild makes a function of each CommonJS module. All of them run when the bundle is loaded, and V8 parses a function twice that it
 * does not know to run at once: it takes that from parentheses around the word `function`.
 */
function compiledAtOnce(code: string): string {
  return code.replace(
    /^(var [\w$]+ = [\w$]+\()\((.*)\) => (\{\n[\s\S]*?^\})\);$/gm,
    (_, call, parameters, body) => `${call}(function(${parameters}) ${body}));`,
  );
}

async function buildCli(entry: string, outfile: string): Promise<Metafile> {
  const { metafile } = await build({
    ...common,
    ...minified,
    entryPoints: [entry],
    outfile,
    plugins: [leaveOut(LEFT_OUT)],
    format: "esm",
    define: REPORT_PARTS,
    banner: {
      js: "#!/usr/bin/env node\nimport{createRequire}from'node:module';const require=createRequire(import.meta.url);",
    },
  });
  return metafile;
}

/** Texts, each by itself: esbuild would have every module of the bundle import an object. */
function constants({ style, script }: Parts): Record<string, string> {
  return { REPORT_STYLE: JSON.stringify(style), REPORT_SCRIPT: JSON.stringify(script) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildAll();
