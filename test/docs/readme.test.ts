import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";

const CONFIGURATION = ["docs/configuration.md", "docs/reference.zh-CN.md"];

/** The changelog is left out: it tells of earlier days. */
const pages = [
  ...readdirSync(".").filter((name) => name.endsWith(".md") && name !== "CHANGELOG.md"),
  ...["deploy", "docs"].flatMap((root) =>
    readdirSync(root, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md"))
      .map((name) => join(root, name)),
  ),
];

const read = (file: string) => readFileSync(file, "utf8");

/** What is in a fence is code: its brackets are no links, and its hashes no headings. */
const withoutCode = (text: string) => text.replace(/^```[\s\S]*?^```$/gm, "");

const matches = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = ""]) => found);

function linksOf(page: string): string[] {
  const targets = matches(withoutCode(read(page)).replace(/`[^`\n]*`/g, ""), /\]\(([^)\s]+)\)/g);
  return [...new Set(targets)].filter((target) => !/^[a-z]+:/.test(target));
}

/** As GitHub names the headings of a page. */
function anchorsOf(page: string): string[] {
  const seen = new Map<string, number>();
  return matches(withoutCode(read(page)), /^#{1,6} +(.+)$/gm).map((heading) => {
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "")
      .trim()
      .replaceAll(" ", "-");
    const earlier = seen.get(slug) ?? 0;
    seen.set(slug, earlier + 1);
    return earlier === 0 ? slug : `${slug}-${earlier}`;
  });
}

/** What is wrong with a link, in words. */
function flawOf(page: string, link: string): string | undefined {
  const [path = "", anchor] = decodeURIComponent(link).split("#");
  const target = path === "" ? page : normalize(join(dirname(page), path));
  if (target.startsWith("..")) return "leads out of the repository";
  if (!existsSync(target)) return `${target} does not exist`;
  if (anchor === undefined) return undefined;
  if (statSync(target).isDirectory() || !target.endsWith(".md")) return `${target} has no headings`;
  return anchorsOf(target).includes(anchor) ? undefined : `${target} has no heading #${anchor}`;
}

describe("environment variables", () => {
  // A key of the schema, or a name in quotes.
  const variables = [
    "lib/config.ts",
    "lib/fleet-config.ts",
    "lib/notify-config.ts",
    "handler/credentials.ts",
  ].flatMap((file) => matches(read(file), /(?:^ {2}|")([A-Z][A-Z\d_]{3,})(?=:|")/gm));

  it("are found in the code, however they are written there", () => {
    expect(variables).toEqual(
      expect.arrayContaining([
        "VERIFY",
        "TENCENT_SITE",
        "ROTATION_TAG",
        "NOTIFY_EVENT_BUS",
        "TENCENTCLOUD_SESSIONTOKEN",
      ]),
    );
  });

  it.each(CONFIGURATION)("are all named in %s", (page) => {
    const named = new Set(matches(read(page), /`([A-Z][A-Z\d_]+)`/g));
    expect([...new Set(variables)].filter((name) => !named.has(name))).toEqual([]);
  });
});

describe("links", () => {
  it.each(pages)("of %s lead to what is there", (page) => {
    const flaws = linksOf(page).flatMap((link) => {
      const flaw = flawOf(page, link);
      return flaw === undefined ? [] : [`${link}: ${flaw}`];
    });
    expect(flaws).toEqual([]);
  });

  it.each([
    ["to a file that is not there", "docs/nothing.md", "docs/nothing.md does not exist"],
    ["to a heading that is not there", "docs/errors.md#nothing", "docs/errors.md has no heading #nothing"],
    ["out of the repository", "../README.md", "leads out of the repository"],
    ["to a heading in Chinese", "README.zh-CN.md#凭据-json", undefined],
  ])("are judged: %s", (_, link, flaw) => {
    expect(flawOf("README.md", link)).toBe(flaw);
  });

  it("are seen in both READMEs, and each leads to the other", () => {
    expect(linksOf("README.md")).toContain("README.zh-CN.md");
    expect(linksOf("README.zh-CN.md")).toContain("README.md");
  });
});

describe("docs/README.md", () => {
  const files = readdirSync("docs", { recursive: true, encoding: "utf8" })
    .map((name) => join("docs", name))
    .filter((name) => statSync(name).isFile() && name !== "docs/README.md");
  const targetsOf = (page: string) => linksOf(page).map((link) => normalize(join(dirname(page), link)));

  it("lists every document", () => {
    const listed = new Set(targetsOf("docs/README.md"));
    expect(files.filter((name) => name.endsWith(".md") && !listed.has(name))).toEqual([]);
  });

  it("has a sentence for each", () => {
    const rows = matches(read("docs/README.md"), /^(\|.*\]\(.*)$/gm);
    expect(rows.length).toBeGreaterThan(20);
    for (const row of rows) expect(row).toMatch(/^\| \[[^\]]+\]\([^)]+\) \| \S.{10,} \|$/);
  });

  it("is not the only way to a picture: each is on a page", () => {
    const shown = new Set(pages.flatMap(targetsOf));
    expect(files.filter((name) => name.endsWith(".svg") && !shown.has(name))).toEqual([]);
  });
});

describe("CONTRIBUTING.md", () => {
  it("names files that are there", () => {
    const named = matches(
      read("CONTRIBUTING.md"),
      /\b((?:lib|handler|build|bench|test|deploy|docs)\/[\w./-]*\w)/g,
    );
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((path) => !existsSync(path))).toEqual([]);
  });
});

describe("npm scripts", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };

  it.each(pages)("that %s names are in package.json", (page) => {
    const named = matches(read(page), /\bnpm run ([\w:-]*\w)/g);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});
