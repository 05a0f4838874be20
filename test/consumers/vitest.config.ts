import { defineConfig } from "vitest/config";

/** The examples of docs/consumers, each in its own language. */
export default defineConfig({
  test: {
    include: ["test/consumers/*.test.ts"],
    // Names what it skips.
    reporters: ["verbose"],
    globalSetup: ["test/setup.ts"],
    testTimeout: 90_000,
    hookTimeout: 30_000,
  },
});
