import { defineConfig } from '@playwright/test';

// Debian's Chromium: Playwright's own browsers are not downloaded. One worker, because the
// pages decode real video and share two cores with the server that they watch.
export const CHROMIUM = {
  executablePath: process.env.RUSHES_CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-quic',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
    '--autoplay-policy=no-user-gesture-required',
    '--allow-loopback-in-peer-connection',
    '--disable-background-timer-throttling',
    '--disable-renderer-backgrounding',
    '--disable-backgrounding-occluded-windows',
  ],
};

export default defineConfig({
  testDir: '.',
  // What measures has aims that a busy machine misses: `make measure` runs it, and no test does.
  testMatch: process.env.RUSHES_MEASURE ? ['*.measure.ts', 'live.spec.ts'] : '*.spec.ts',
  workers: 1,
  retries: 0,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [['list']],
  outputDir: '../../target/browser-results',
  use: {
    browserName: 'chromium',
    viewport: { width: 1280, height: 720 },
    screenshot: 'only-on-failure',
    launchOptions: CHROMIUM,
  },
});
