import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { inject } from "vitest";

export interface Statement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

// biome-ignore lint/suspicious/noExplicitAny: two documents, of which each test looks at one corner
export type Document = any;

export interface Package {
  readonly directory: string;
  readonly templatePath: string;
  readonly template: Document;
  /** What is in the zip. */
  readonly files: readonly string[];
}

const run = promisify(execFile);

/** Nothing is installed for it: where it is missing, the templates go without. */
export const hasCfnLint = await run("cfn-lint", ["--version"]).then(
  () => true,
  () => false,
);

/** What cfn-lint has to say of a template. */
export async function cfnLint({ templatePath }: Package): Promise<string> {
  return (await run("cfn-lint", [templatePath])).stdout;
}

/** Packages serverless.yml into a folder of its own, with the built bundles and a file beside them that must stay out. */
export async function packageInto(directory: string, ...options: readonly string[]): Promise<Package> {
  await mkdir(directory);
  await cp("serverless.yml", join(directory, "serverless.yml"));
  await cp("deploy", join(directory, "deploy"), { recursive: true });
  await cp(inject("bundles"), join(directory, "dist"), { recursive: true });
  await writeFile(join(directory, "package.json"), "{}");
  await run(process.execPath, [resolve("node_modules/osls/bin/serverless.js"), "package", ...options], {
    cwd: directory,
    // Nobody's account, and no way out: packaging must need neither.
    env: { PATH: process.env.PATH, HOME: directory, HTTPS_PROXY: "http://127.0.0.1:9" },
  });
  const out = join(directory, ".serverless");
  const templatePath = join(out, "cloudformation-template-update-stack.json");
  const zip = (await readdir(out)).find((name) => name.endsWith(".zip")) ?? "";
  return {
    directory,
    templatePath,
    template: JSON.parse(await readFile(templatePath, "utf8")),
    files: namesIn(await readFile(join(out, zip))),
  };
}

/** From the zip's central directory: 46 bytes of header, the name's length at 28. */
function namesIn(zip: Buffer): string[] {
  const names: string[] = [];
  const signature = Buffer.from("PK\u0001\u0002", "latin1");
  for (let at = zip.indexOf(signature); at !== -1; at = zip.indexOf(signature, at + 46)) {
    names.push(zip.toString("utf8", at + 46, at + 46 + zip.readUInt16LE(at + 28)));
  }
  return names.sort();
}

export const actionsOf = ({ Action }: Statement): readonly string[] => [Action].flat();

/** Every statement of the function's role, wherever in the template it stands. */
export function statementsOf(template: Document): readonly Statement[] {
  const policies = [
    ...template.Resources.IamRoleLambdaExecution.Properties.Policies,
    ...resourcesOf(template, "AWS::IAM::Policy").map(({ Properties }) => Properties),
  ];
  return policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}

export function statement(template: Document, sid: string): Statement {
  const found = statementsOf(template).find(({ Sid }) => Sid === sid);
  if (found === undefined) throw new Error(`There is no statement ${sid}`);
  return found;
}

export function resourcesOf(template: Document, type: string): Document[] {
  return Object.values<Document>(template.Resources).filter(({ Type }) => Type === type);
}
