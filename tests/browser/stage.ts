// What every test of a file has: a demo of its own, so that none finds it as another left it, and browser windows that end with it.
import { test, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from '@playwright/test';
import { Demo } from './demo.ts';

/** Made once at the top of a file: it registers the hooks that run around each of its tests. */
export class Stage {
  demo!: Demo;
  private contexts: BrowserContext[] = [];

  constructor() {
    test.beforeEach(async () => {
      this.demo = new Demo();
      await this.demo.start();
    });
    test.afterEach(async ({}, info) => {
      if (info.status !== info.expectedStatus) await info.attach('server.log', { body: this.demo.output() });
      await Promise.all(this.contexts.map((context) => context.close()));
      this.contexts = [];
      await this.demo.end();
    });
  }

  /** A page with a storage of its own, as another person's browser has. */
  async newPage(browser: Browser, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext(options);
    this.contexts.push(context);
    return context.newPage();
  }
}
