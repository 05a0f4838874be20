/** Runs the demo in a terminal and draws what is seen there: `npm run picture`. Needs script(1), which every Linux has. */
import { writeFile } from "node:fs/promises";
import { record } from "./terminal-recording.ts";
import { drawScreens } from "./terminal-svg.ts";

const FILE = "docs/demo.svg";
const TITLE = "Ten instances rotate in a local cloud, each rotation proven";

const screens = await record("npm run demo -- --cloud tencent", { columns: 120, rows: 50 });
const picture = drawScreens(TITLE, screens);
await writeFile(FILE, picture);
console.log(`${FILE}: ${picture.length} characters, ${screens.length} screens`);
