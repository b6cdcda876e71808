// The page of a composite: it is made of live sources, watched, arranged anew, and deleted.
import { test, expect, type Locator, type Page } from '@playwright/test';
import { ask, folderOf, signIn } from './asks.ts';
import { Encoders } from './encoders.ts';
import type { FrameSource } from './frameStrip.ts';
import { installStripBand, readingOf } from './room.ts';
import { Stage } from './stage.ts';

const SOURCES: FrameSource[] = ['clip-a', 'clip-b', 'other'];
const stage = new Stage();
const encoders = new Encoders(...SOURCES);

/** Registers sources in the demo's folder, starts an encoder for each, and opens the folder's page. */
async function openFolder(page: Page): Promise<void> {
  const folder = await folderOf(page, stage.demo.links.live_asset_id);
  for (const [n, source] of SOURCES.entries()) {
    const { url } = await ask<{ url: string }>(page, '/create/live/registration/srt', {
      project_id: folder,
      name: `Camera ${n + 1}`,
      description: '',
    });
    encoders.srt(url, source, 440);
  }
  await page.goto(`${stage.demo.links.url}/#/folders/${folder}`);
}

/** Which source is seen in a part of the picture: its left, top, width and height in fractions of it. */
async function seen(video: Locator, part: readonly number[]): Promise<FrameSource | null> {
  const band = await video.evaluate((element, part) => window.stripBand(element as HTMLVideoElement, part), part);
  return band === null ? null : (readingOf(band)?.source ?? null);
}

/** Waits until these are seen in these places. */
async function shows(page: Page, places: readonly (readonly [FrameSource, readonly number[]])[]): Promise<void> {
  const video = page.getByTestId('composite-video');
  await expect(async () => {
    for (const [source, part] of places) expect(await seen(video, part), String(part)).toBe(source);
  }).toPass({ timeout: 30_000, intervals: [200] });
}

test('a composite is made of three sources, watched, arranged anew and deleted', async ({ browser }) => {
  const page = await stage.newPage(browser);
  await installStripBand(page);
  await signIn(page, stage.demo.links.host_link);
  await openFolder(page);

  await page.getByTestId('new-composite').click();
  await page.getByLabel('Name', { exact: true }).fill('Wall');
  await expect(page.getByTestId('save-composite')).toBeDisabled();
  for (const name of ['Camera 1', 'Camera 2', 'Camera 3']) {
    const choice = page.getByTestId('add-source');
    await choice.selectOption(await choice.locator('option', { hasText: name }).getAttribute('value'));
  }
  await expect(page.getByTestId('composite-cell')).toHaveCount(3);
  await page.getByTestId('composite-sound').selectOption({ label: 'Of Camera 2' });
  await page.getByTestId('save-composite').click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Wall');
  await shows(page, [
    ['clip-a', [0, 0, 0.5, 0.5]],
    ['clip-b', [0.5, 0, 0.5, 0.5]],
    ['other', [0.25, 0.5, 0.5, 0.5]],
  ]);
  await expect(page.getByTestId('composite-cell'), 'nothing lies over what is watched').toHaveCount(0);

  // Camera 3 comes first, and everywhere; the two others are small on it.
  await page.getByRole('button', { name: 'Move Camera 3 up' }).click();
  await page.getByRole('button', { name: 'Move Camera 3 up' }).click();
  await page.getByTestId('pattern').selectOption('inset');
  await page.getByTestId('save-composite').click();
  await shows(page, [['clip-b', [1 - 2 * (0.2 + 1 / 64), 1 - 0.2 - 1 / 36, 0.2, 0.2]]]);
  await expect(page.getByTestId('save-composite')).toBeDisabled();

  await page.reload();
  await expect(page.getByTestId('pattern')).toHaveValue('inset');
  await expect(page.getByTestId('composite-source').first()).toContainText('Camera 3');
  await page.getByRole('button', { name: 'Delete…' }).click();
  await page.getByTestId('confirm-action').click();
  await expect(page.getByTestId('new-composite')).toBeVisible();
  await expect(page.getByTestId('composite-row')).toHaveCount(0);
});
