import { type Browser, chromium } from "playwright-core";
import { ensureProgram } from "../debian-package.ts";

/** The system's own browser, without a window. Debian's package is installed where there is none and the process may. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = await ensureProgram({
    programs: ["chromium", "chromium-browser", "google-chrome"],
    packages: ["chromium", "fonts-noto-core"],
  });
  // Root may start Chromium only without its sandbox: the pages are our own.
  const chromiumSandbox = process.getuid?.() !== 0;
  return chromium.launch({ executablePath, chromiumSandbox });
}
