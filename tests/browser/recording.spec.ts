// A live source is recorded by a host, everyone sees that it is, and what comes of it plays to the frame.
import { test, expect } from '@playwright/test';
import { numbersIn } from './encoders.ts';
import { Room, counts } from './room.ts';
import { Stage } from './stage.ts';

const stage = new Stage();
let host: Room;
let guest: Room;

test.beforeEach(async ({ browser }) => {
  host = await Room.open(await stage.newPage(browser), stage.demo.links.host_link, 'host');
  guest = await Room.open(await stage.newPage(browser), stage.demo.links.guest_link, 'guest');
});

test('a host records the live picture, and the recording plays to the frame', async ({}, info) => {
  await host.choose('live');
  await counts(guest, 'live-video', 5);
  await expect(guest.page.getByTestId('record')).toHaveCount(0);
  await host.page.getByTestId('record').click();
  await expect(guest.page.getByTestId('recording')).toBeVisible();
  await counts(host, 'live-video', 60);
  await info.attach('recording', { body: await host.page.screenshot(), contentType: 'image/png' });
  const clips = host.page.locator('[data-testid=playlist-item][data-kind=clip]');
  const before = await clips.count();
  await host.page.getByTestId('record').click();
  await expect(guest.page.getByTestId('recording')).toHaveCount(0);
  await expect(host.page.getByTestId('recording-told')).toContainText('in the playlist');
  await expect(clips).not.toHaveCount(before);

  const recording = host.page.locator('[data-testid=playlist-item][data-kind=clip]').filter({ hasText: /\d\d:\d\d:\d\d/ });
  await recording.first().click();
  let first: number | null = null;
  await expect(async () => {
    first = await host.strip('clip-video');
    expect(first).not.toBeNull();
    expect(await guest.strip('clip-video')).toBe(first);
  }).toPass({ timeout: 15_000, intervals: [50] });
  // The source leaves out what it is late with, where the machine stands still: the frame before stays on the screen then.
  const url = await host.page.getByTestId('clip-video').evaluate((video: HTMLVideoElement) => video.currentSrc);
  const recorded = await numbersIn(await (await host.page.request.get(url)).body());
  expect(recorded[0]).toBe(first);
  expect(recorded.length).toBeGreaterThan(50);
  for (const frame of [40, 7, 23]) {
    const expected = Math.max(...recorded.filter((number) => number <= first! + frame));
    await host.seek(frame);
    for (const room of [host, guest]) {
      await expect(async () => {
        expect(await room.shownFrame()).toBe(expected - first!);
        expect(await room.strip('clip-video'), `${room.name}: frame ${frame} of ${recorded}`).toBe(expected);
      }).toPass({ timeout: 15_000, intervals: [50] });
    }
  }
});
