import { readFileSync } from "node:fs";

/** What of the page is the same in every report. */
export interface Parts {
  readonly style: string;
  readonly script: string;
}

const STYLES = ["base", "header", "attention", "table", "timeline", "overview", "media"];
/** Whatever a module imports comes before it. */
const SCRIPTS = ["data", "format", "chart", "detail", "overview", "table", "filter", "main"];

// Set by build.ts: the command is one file.
declare const REPORT_STYLE: string | undefined;
declare const REPORT_SCRIPT: string;

export function parts(): Parts {
  if (typeof REPORT_STYLE === "undefined") return readParts();
  return { style: REPORT_STYLE, script: REPORT_SCRIPT };
}

/** From the sources. */
export function readParts(): Parts {
  return {
    style: STYLES.map((name) => read(`${name}.css`)).join("\n"),
    script: SCRIPTS.map((name) => withoutModules(read(`${name}.js`))).join("\n"),
  };
}

function read(name: string): string {
  return readFileSync(new URL(`page/${name}`, import.meta.url), "utf8");
}

/** The modules become one: a page that is one file can import nothing. */
function withoutModules(script: string): string {
  return script.replace(/^import [^;]*;\n+/gm, "").replace(/^export /gm, "");
}
