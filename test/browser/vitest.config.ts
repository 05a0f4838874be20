import { defineConfig } from "vitest/config";

/** What needs a real browser: `npm run test:browser`. Apart from `npm test`, which needs none. */
export default defineConfig({
  test: {
    include: ["test/browser/*.browser.ts"],
    testTimeout: 60_000,
    // The browser may have to be installed.
    hookTimeout: 600_000,
  },
});
