// Live sources as they are set up on the page of their folder: registered, with a slate while they are away, and declared.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, expect, type Browser, type Locator, type Page } from '@playwright/test';
import { ask, folderOf, offered, signIn } from './asks.ts';
import { Encoders, freePorts } from './encoders.ts';
import { Stage } from './stage.ts';

/** Of an encoder with sound that is not supported. */
const UNSUPPORTED = 'v=0\nm=audio 5004 RTP/AVP 97\na=rtpmap:97 AC3/48000/6\n';

const stage = new Stage();
const encoders = new Encoders('live');

/** Opens the page of the demo's folder. */
async function openFolder(browser: Browser, viewport = { width: 1280, height: 720 }): Promise<{ page: Page; folder: string }> {
  const page = await stage.newPage(browser, { viewport });
  await signIn(page, stage.demo.links.host_link);
  const folder = await folderOf(page, stage.demo.links.live_asset_id);
  await page.goto(`${stage.demo.links.url}/#/folders/${folder}`);
  return { page, folder };
}

const rowOf = (page: Page, name: string): Locator => page.getByTestId('source-row').filter({ hasText: name });

/** Nothing is wider than the page. */
async function fits(page: Page): Promise<void> {
  const spare = await page.evaluate(() => document.documentElement.clientWidth - document.documentElement.scrollWidth);
  expect(spare).toBe(0);
}

test('a source is registered with a slate, seen live, and its slate is switched with the keyboard', async ({ browser }) => {
  const { page, folder } = await openFolder(browser);
  await page.getByTestId('new-source').click();
  const dialog = page.getByTestId('new-source-dialog');
  await dialog.getByTestId('register-source').click();
  await expect(dialog, 'without a name it is not registered').toBeVisible();

  // All of it by keys: the name, the kind, the slate.
  await expect(dialog.getByLabel('Name')).toBeFocused();
  await page.keyboard.type('Camera E');
  await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowDown');
  await expect(dialog.getByTestId('kind-srt')).toHaveAttribute('aria-checked', 'true');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  await expect(dialog.getByRole('switch', { name: 'Show a slate while away' })).toBeChecked();
  await page.getByLabel('Name', { exact: true }).press('Enter');

  const source = page.getByTestId('source-dialog');
  const address = source.getByTestId('source-address');
  await expect(address).toHaveValue(/^srt:.*passphrase=/);
  const whole = await address.inputValue();
  expect(whole).toContain(await source.getByTestId('source-secret').inputValue());
  await expect(source.getByTestId('slate')).toBeChecked();
  await source.getByTestId('source-done').click();

  const row = rowOf(page, 'Camera E');
  await expect(row).toContainText('Slate while away');
  await expect(row).toHaveAttribute('data-state', 'away');
  type Listed = { id: string; name: string; additional_details: { slate: boolean } };
  const listed = async () => {
    const all = await ask<Listed[]>(page, '/list/live/registrations', { project_id: folder });
    return all.find(({ name }) => name === 'Camera E')!;
  };
  const { id } = await listed();
  expect(await offered(page, id), 'there is a slate to see').toBe(201);

  encoders.srt(whole, 'live', 440);
  await expect(row).toHaveAttribute('data-state', 'live');
  await expect(row).toContainText('320 × 180');
  await encoders.stop();

  await row.getByTestId('source-open').click();
  await expect(address, 'a passphrase is shown once').not.toHaveValue(/passphrase/);
  await source.getByTestId('slate').focus();
  await page.keyboard.press('Space');
  await expect(source.getByTestId('slate')).not.toBeChecked();
  await expect.poll(async () => (await listed()).additional_details.slate).toBe(false);
  await page.keyboard.press('Escape');
  await expect(source).toHaveCount(0);
  await expect(row).not.toContainText('Slate while away');
  // The encoder has gone, and so has what there was instead of it.
  await expect.poll(() => offered(page, id), { timeout: 30_000 }).toBe(409);
  await page.reload();
  await expect(row).toBeVisible();
  await expect(row).not.toContainText('Slate while away');
});

test('what a source of RTP sends is declared by a file that is dropped, shown, and taken back', async ({ browser }) => {
  const { page, folder } = await openFolder(browser, { width: 390, height: 844 });
  const ports = await freePorts();
  await page.getByTestId('new-source').click();
  const dialog = page.getByTestId('new-source-dialog');
  await dialog.getByTestId('kind-raw').click();
  await dialog.getByLabel('Name').fill('Camera F');
  await dialog.getByLabel('Address that the encoder sends from').fill('127.0.0.1');
  await dialog.getByTestId('register-source').click();
  await expect(dialog.getByRole('alert')).toHaveText('It needs a port for its picture or its sound.');
  await dialog.getByLabel('Its port of the picture').fill(`${ports.video}`);
  await dialog.getByLabel('Its port of the sound').fill(`${ports.audio}`);
  await dialog.getByTestId('register-source').click();

  const source = page.getByTestId('source-dialog');
  await expect(source).toContainText(`from 127.0.0.1, port ${ports.video} for its picture and ${ports.audio} for its sound`);
  const to = await source.getByTestId('source-address').inputValue();
  const path = join(stage.demo.data, 'encoder.sdp');
  encoders.rtpSamples(to, ports, 'live', 440, path);
  let sdp = '';
  await expect(() => {
    sdp = existsSync(path) ? readFileSync(path, 'utf8') : '';
    expect(sdp).toMatch(/m=audio[^]*\n$/);
  }).toPass({ intervals: [50] });

  // What is not taken is said beside the field, and what was typed stays.
  const field = source.getByTestId('declare-sdp');
  await field.fill(UNSUPPORTED);
  await source.getByTestId('declare-send').click();
  await expect(source.getByTestId('declare-problem')).toContainText('The sound cannot be taken: AC3');
  await expect(field).toHaveValue(UNSUPPORTED);
  await expect(field).toBeFocused();
  const problem = await source.getByTestId('declare-problem').getAttribute('id');
  await expect(field).toHaveAttribute('aria-describedby', problem!);

  const file = await page.evaluateHandle((text) => {
    const dropped = new DataTransfer();
    dropped.items.add(new File([text], 'encoder.sdp'));
    return dropped;
  }, sdp);
  await field.dispatchEvent('drop', { dataTransfer: file });
  await expect(field).toHaveValue(/m=audio/);
  await expect(source.getByTestId('declare-problem')).toHaveCount(0);
  await source.getByTestId('declare-send').click();
  const declared = source.getByTestId('declared');
  await expect(declared).toContainText('H.264');
  await expect(declared).toContainText('L16 (PCM), 48 kHz, stereo');
  await fits(page);
  await source.getByTestId('source-done').click();

  // It is heard as it was declared.
  const row = rowOf(page, 'Camera F');
  await expect(row).toContainText('Declared: H.264 and L16 (PCM) stereo');
  await expect(row).toContainText(/320 × 180 .* H\.264 · stereo/);
  await fits(page);
  await page.reload();
  await row.getByTestId('source-open').click();
  await expect(declared).toContainText('L16 (PCM)');
  await source.getByTestId('declare-back').click();
  await expect(declared).toHaveCount(0);
  await expect(field).toBeVisible();
  type Listed = { name: string; additional_details: { declared: unknown } };
  const all = await ask<Listed[]>(page, '/list/live/registrations', { project_id: folder });
  expect(all.find(({ name }) => name === 'Camera F')?.additional_details.declared).toBeNull();

  await source.getByRole('button', { name: 'Delete…' }).click();
  await page.getByTestId('confirm-action').click();
  await expect(source).toHaveCount(0);
  await expect(row).toHaveCount(0);
});
