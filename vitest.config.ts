import { configDefaults, defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // By itself: npm run test:consumers.
    exclude: [...configDefaults.exclude, "test/consumers/**"],
    globalSetup: ["test/setup.ts"],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // Many files wait for servers and processes most of the time.
    maxWorkers: 3,
    coverage: {
      provider: "v8",
      include: ["lib/**", "handler/**"],
      // The report page's own scripts run in a browser: npm run test:browser.
      exclude: ["handler/report/page/**"],
      reporter: ["text"],
      thresholds: {
        "lib/rotation/**": { branches: 95 },
        "lib/password*.ts": { branches: 95 },
      },
    },
  },
});
