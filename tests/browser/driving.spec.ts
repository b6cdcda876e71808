// Who drives a room, and how: a guest, another host, at other speeds, and backwards. What the pages show is read from the picture.
import { test, expect } from '@playwright/test';
import { Room, allShow, counts, FPS } from './room.ts';
import { percentile, shownBy, watch, type ShownFrame } from './shown.ts';
import { Stage } from './stage.ts';
import { compare, record, type Shown } from './timeline.ts';

const stage = new Stage();
let host: Room;
let guest: Room;
let both: Room[];

test.beforeEach(async ({ browser }) => {
  host = await Room.open(await stage.newPage(browser), stage.demo.links.host_link, 'host');
  guest = await Room.open(await stage.newPage(browser), stage.demo.links.guest_link, 'guest');
  both = [host, guest];
  await host.choose('clip', 0);
  await allShow(both, 0);
});

/** Lets the host say who drives. */
async function setMode(name: string, mode: string): Promise<void> {
  await host.page.getByTestId('sync-mode').click();
  await host.page.getByRole('menuitemradio', { name }).click();
  // A guest is not told of the mode in which hosts drive, which is the usual one.
  await expect(host.page.getByTestId('sync-mode')).toHaveAttribute('data-mode', mode);
  if (mode === 'HOST') await expect(guest.page.getByTestId('sync-mode')).toHaveCount(0);
  else await expect(guest.page.getByTestId('sync-mode')).toHaveAttribute('data-mode', mode);
}

/** Waits until both pages stand, exactly where the room is, on the same frame by their pictures: that frame. */
async function bothStand(): Promise<number> {
  for (const { page } of both) await expect(page.getByTestId('play')).toHaveAttribute('data-playing', 'false');
  for (const { page } of both) await expect(page.getByTestId('sync-badge')).toHaveAttribute('data-sync', 'exact');
  const frame = await host.shownFrame();
  await allShow(both, frame);
  return frame;
}

/** Waits until the number in the picture has been read `count` times, each lower than the one before. */
async function countsDown(room: Room, count: number): Promise<void> {
  const seen: number[] = [];
  await expect(async () => {
    const strip = await room.strip('clip-video');
    if (strip !== null && strip < (seen.at(-1) ?? Infinity)) seen.push(strip);
    expect(seen.length, `${room.name}: ${seen.join(' ')}`).toBeGreaterThanOrEqual(count);
  }).toPass({ timeout: 30_000, intervals: [50] });
}

test('a guest drives where everyone may, and who looked elsewhere is back when hosts drive again', async () => {
  await expect(guest.page.getByTestId('play')).toBeDisabled();
  await setMode('Everyone controls', 'EVERYONE');
  await guest.seek(60);
  await allShow(both, 60);
  await guest.press('step-forward');
  await allShow(both, 61);
  await guest.press('play');
  await counts(host, 'clip-video', 3);
  await guest.press('play'); // the same button pauses
  const together = await bothStand();
  expect(together).toBeGreaterThan(61);

  await setMode('Each on their own', 'UNSYNCED');
  await guest.seek(200);
  await allShow([guest], 200);
  await allShow([host], together);
  await setMode('Hosts control', 'HOST');
  expect(await bothStand()).toBe(together);
  await expect(guest.page.getByTestId('play')).toBeDisabled();
});

/** Two recordings are made within these frames of the clip, so that they end before it turns back. */
const RECORD = { first: 20, last: 110, pictures: 40 };
/** How often, until the machine itself has held up neither page; pages that are not in step are so each time. */
const RECORDINGS = 3;

/** Waits until both pages have said five times in a row that they are in step, at a place where a recording may begin. */
async function settled(): Promise<void> {
  let inARow = 0;
  await expect(async () => {
    const looks = await Promise.all(
      both.map(async (room) => ({
        sync: await room.page.getByTestId('sync-badge').getAttribute('data-sync'),
        frame: await room.shownFrame(),
      })),
    );
    inARow = looks.every(({ sync }) => sync === 'synced') ? inARow + 1 : 0;
    expect(inARow, JSON.stringify(looks)).toBeGreaterThanOrEqual(5);
    for (const { frame } of looks) {
      expect(frame).toBeGreaterThanOrEqual(RECORD.first);
      expect(frame).toBeLessThanOrEqual(RECORD.last);
    }
  }).toPass({ timeout: 60_000, intervals: [100] });
}

interface Step {
  /** How fast each page played, as a factor of the clip's own speed. */
  speeds: number[];
  /** How many frames they were apart, at so many moments. */
  apart: number[];
}

function speed(shown: Shown[]): number {
  const [first, last] = [shown[0]!, shown.at(-1)!];
  return ((last.frame - first.frame) * 1000) / (last.at - first.at) / FPS;
}

async function recordBoth(): Promise<Step> {
  await settled();
  const [a, b] = await Promise.all([record(host, RECORD.pictures), record(guest, RECORD.pictures)]);
  const step = { speeds: [speed(a), speed(b)], apart: compare(a, b, { samples: 10, everyMs: 50, wrap: 250 }) };
  console.log(`speeds ${step.speeds.map((x) => x.toFixed(2)).join(' ')}; frames apart ${step.apart.join(' ')}`);
  return step;
}

/** They play at this speed, and are no more apart than the time of one frame at the clip's own, or one frame. */
function inStep({ speeds, apart }: Step, rate: number): boolean {
  const atSpeed = speeds.every((speed) => Math.abs(speed / rate - 1) < 0.1);
  return atSpeed && apart.length === 10 && Math.max(...apart) <= Math.max(1, rate);
}

for (const { rate, label } of [
  { rate: 0.5, label: '.5×' },
  { rate: 2, label: '2×' },
]) {
  test(`both play at ${rate} times the speed, in step, and pause on the same frame`, async () => {
    await host.page.getByTestId('rate').click();
    await host.page.getByRole('menuitemradio', { name: label, exact: true }).click();
    await host.loop();
    await host.press('play');
    await counts(guest, 'clip-video', 3);
    let step = await recordBoth();
    for (let n = 1; n < RECORDINGS && !inStep(step, rate); n += 1) step = await recordBoth();
    expect(inStep(step, rate), JSON.stringify(step)).toBe(true);
    await host.press('play');
    await bothStand();
  });
}

test('a clip is played backwards by the keyboard, and stands on the same frame on both pages', async () => {
  await host.seek(200);
  await allShow(both, 200);
  await host.page.keyboard.press('j');
  await expect(host.page.getByTestId('play')).toHaveAttribute('data-reversing', 'true');
  await Promise.all(both.map((room) => countsDown(room, 4)));
  await host.page.keyboard.press('k');
  await expect(host.page.getByTestId('play')).toHaveAttribute('data-reversing', 'false');
  const frame = await bothStand();
  expect(frame).toBeLessThan(200);
  expect(frame, 'it was paused, and not played to its beginning').toBeGreaterThan(0);
});

/** What the room plays, from where and when: a jump would be another place or another moment. */
function played(room: Room): Promise<unknown> {
  return room.page.evaluate(() => {
    const { state } = (window as unknown as { __rushes: { state: Record<string, unknown> } }).__rushes;
    const { asset_id, frame, effective_ms, playing, rate, loop } = state;
    return { asset_id, frame, effective_ms, playing, rate, loop };
  });
}

/** The numbers in the picture went on as the clip does: none is lower than the one before, and none far from its time. */
function goesOn(room: Room, shown: ShownFrame[]): void {
  const read = shown.flatMap(({ at, burnt }) => (burnt === null ? [] : [{ at, frame: burnt }]));
  expect(read.length, `${room.name}: pictures read`).toBeGreaterThan(10);
  const frames = read.map(({ frame }) => frame);
  expect(frames, room.name).toEqual([...frames].sort((a, b) => a - b));
  const apart = read.map(({ at, frame }) => frame - (at * FPS) / 1000);
  const usual = percentile(apart, 0.5);
  const off = apart.map((frames) => Math.abs(frames - usual));
  expect(percentile(off, 0.95), `${room.name}: frames that it was off`).toBeLessThanOrEqual(2);
}

test('another host takes over while a clip plays, which goes on, and pauses it', async () => {
  const person = (room: Room) => room.page.locator('[data-testid=participant]').filter({ hasText: 'Guest Demo' });
  const choose = async (item: string): Promise<void> => {
    await person(host).getByTestId('person-menu').click();
    await host.page.getByRole('menuitem', { name: item }).click();
  };
  await choose('Make host');
  await expect(person(guest)).toHaveAttribute('data-host', 'true');
  await expect(person(guest)).toHaveAttribute('data-drives', 'false');
  await host.press('play');
  await counts(guest, 'clip-video', 3);
  await Promise.all(both.map((room) => watch(room, 'clip-video', 1)));
  const before = await played(guest);
  await choose('Hand control over');
  for (const room of both) await expect(person(room)).toHaveAttribute('data-drives', 'true');
  await Promise.all(both.map((room) => counts(room, 'clip-video', 5)));
  for (const room of both) {
    expect(await played(room)).toEqual(before);
    goesOn(room, await shownBy(room));
  }
  await guest.press('play');
  expect(await bothStand()).toBeLessThan(249);
  await expect(person(host)).toHaveAttribute('data-drives', 'true');
});
