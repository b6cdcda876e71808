// The life of a room in the browser: its host completes it and opens it again, removes a guest, and deletes it.
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { test, expect, type Page } from '@playwright/test';
import { Room } from './room.ts';
import { Stage } from './stage.ts';

const stage = new Stage();

async function menu(page: Page, item: string): Promise<void> {
  await page.getByTestId('room-menu').click();
  await page.getByRole('menuitem', { name: item }).click();
}

async function both(browser: Parameters<Stage['newPage']>[0]): Promise<{ host: Room; guest: Room }> {
  const { links } = stage.demo;
  const host = await Room.open(await stage.newPage(browser), links.host_link, 'host');
  const guest = await Room.open(await stage.newPage(browser), links.guest_link, 'guest');
  await host.choose('live');
  await expect(async () => {
    expect(await guest.decoded('live-video')).toBeGreaterThan(0);
  }).toPass({ intervals: [50] });
  return { host, guest };
}

test('a room that is complete shows nothing, and goes on when it is opened again', async ({ browser }) => {
  const { host, guest } = await both(browser);
  await menu(host.page, 'Complete…');
  await host.page.getByTestId('confirm-action').click();
  await expect(guest.page.getByText('Its host has closed it.')).toBeVisible();
  await expect(guest.page.getByTestId('live-video')).toHaveJSProperty('srcObject', null);
  await expect(guest.page.getByTestId('reopen')).toHaveCount(0);
  const before = await guest.decoded('live-video');
  await host.page.getByTestId('reopen').click();
  await guest.online();
  await expect(guest.page.getByText('Its host has closed it.')).toHaveCount(0);
  await expect(async () => {
    expect(await guest.page.getByTestId('live-video').evaluate((v: HTMLVideoElement) => v.srcObject !== null)).toBe(true);
    expect(await guest.decoded('live-video')).not.toBe(before);
  }).toPass({ intervals: [50] });
});

/** The clips of a timeline and their markers, as OpenTimelineIO itself reads them. */
function readByOpenTimelineIo(text: string): { clip: string; markers: { name: string; frame: number; rate: number }[] }[] {
  const python = resolve(import.meta.dirname, '../../.tools/otio/bin/python');
  const script = resolve(import.meta.dirname, 'otio_markers.py');
  return JSON.parse(execFileSync(python, [script], { input: text, encoding: 'utf8' })) as never;
}

test('what a host did is read by OpenTimelineIO as markers, each at its frame', async ({ browser }) => {
  const { host } = await both(browser);
  await host.choose('clip', 0);
  await host.seek(42);
  await expect.poll(() => host.shownFrame()).toBe(42);
  // It is shown before it is acknowledged; what is acknowledged is in the log.
  await expect(async () => {
    const log = await host.page.evaluate(async (room) => {
      const { token } = JSON.parse(sessionStorage.getItem('rushes.session')!) as { token: string };
      return (await fetch(`/rooms/${room}/log.otio`, { headers: { 'X-Token': token } })).text();
    }, stage.demo.links.room_id);
    const clips = readByOpenTimelineIo(log);
    const markers = clips.flatMap(({ markers }) => markers);
    expect(markers).toContainEqual({ name: 'SEEK', frame: 42, rate: 25 });
    expect(clips.every(({ clip }) => clip !== '')).toBe(true);
  }).toPass({ intervals: [50], timeout: 20_000 });
});

test('whoever is removed is told so, and nothing of the room runs on there', async ({ browser }) => {
  const { host, guest } = await both(browser);
  const row = host.page.getByTestId('participant').filter({ hasText: 'Guest Demo' });
  await row.getByTestId('person-menu').click();
  await host.page.getByTestId('remove-person').click();
  await host.page.getByTestId('confirm-action').click();
  await expect(guest.page.getByTestId('room-ended')).toHaveAttribute('data-ending', 'removed');
  await expect(guest.page.locator('video')).toHaveCount(0);
  await host.online();
});

test('a room that is deleted ends for everyone, and its host is back in the list', async ({ browser }) => {
  const { host, guest } = await both(browser);
  await menu(host.page, 'Delete…');
  await host.page.getByTestId('confirm-action').click();
  await expect(host.page).toHaveURL(/#\/rooms$/);
  await expect(host.page.getByTestId('room-card')).toHaveCount(0);
  // A guest of this room alone has no session any more: whichever of the two they hear of first is what they are told.
  const told = guest.page.getByTestId('room-ended').or(guest.page.getByText('Your session has ended.'));
  await expect(told).toBeVisible();
  await expect(guest.page.locator('video')).toHaveCount(0);
});

test('a room is planned for a time, which who opens it is told, and starts when its host wants it', async ({ browser }) => {
  const { page } = await Room.open(await stage.newPage(browser, { locale: 'en-GB' }), stage.demo.links.host_link, 'host');
  const list = new URL('/#/rooms', page.url()).href;
  await page.goto(list);
  await page.getByTestId('new-room').click();
  await page.getByLabel('Name', { exact: true }).fill('Grade');
  await page.getByTestId('save-room').click();
  await expect(page.getByText('This room has not started')).toBeVisible();
  await expect(page.getByTestId('begins')).toHaveCount(0);
  await page.goto(list);
  const card = page.getByTestId('room-card').filter({ hasText: 'Grade' });
  await expect(card).toHaveAttribute('data-status', 'DRAFT');

  const choose = async (): Promise<void> => {
    await card.getByTestId('room-menu').click();
    await page.getByRole('menuitem', { name: 'Schedule…' }).click();
  };
  await choose();
  const begins = page.getByLabel('Begins');
  await begins.fill('2001-01-01T14:30');
  await page.getByTestId('schedule').click();
  // The browser does not send a time before the earliest.
  await expect(begins).toBeFocused();
  await begins.fill('2999-12-01T14:30');
  await page.getByTestId('schedule').click();
  await expect(card).toHaveAttribute('data-status', 'SCHEDULED');
  await expect(card).toContainText('1 Dec 2999, 14:30');

  await card.getByRole('link').click();
  await expect(page.getByTestId('begins')).toHaveText('It is planned for 1 Dec 2999, 14:30.');
  await page.goto(list);
  await choose();
  await expect(page.getByLabel('Begins')).toHaveValue('2999-12-01T14:30');
  await page.getByTestId('unschedule').click();
  await expect(card).toHaveAttribute('data-status', 'DRAFT');
  await card.getByTestId('start-room').click();
  await expect(page.getByTestId('picture')).toBeVisible();
  await expect(page.getByText('This room has not started')).toHaveCount(0);
});
