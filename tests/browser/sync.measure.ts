// Four browsers at four distances from their server: how far apart is what they show?
import { test, expect, type Browser, type BrowserContext } from '@playwright/test';
import { Demo } from './demo.ts';
import { FarAway } from './farAway.ts';
import { Room, allShow, FPS } from './room.ts';
import { percentile, shownBy, watch, type ShownFrame } from './shown.ts';

/** How long the WebSocket takes each way, in milliseconds; the first page is the host's. */
const ONE_WAY_MS = [0, 50, 150, 300] as const;
/** What a page may be apart from the host while a clip plays, in milliseconds. */
const P50_MS = 8;
const P95_MS = 20;
const PLAYS = 3;
/** A clip has 250 frames; it is paused where it cannot run out on the way. */
const PAUSE_AT = 225;
/** Every so many frames the number burnt into the picture is compared with the media's own time. */
const READ_EVERY = 10;

let demo: Demo;
let proxies: FarAway[] = [];
let contexts: BrowserContext[] = [];
let rooms: Room[] = [];

async function open(browser: Browser, link: string, oneWayMs: number): Promise<Room> {
  const proxy = await FarAway.before(demo.links.url, oneWayMs);
  proxies.push(proxy);
  // Small pages: four of them are drawn by the machine that also decodes.
  const context = await browser.newContext({ viewport: { width: 480, height: 360 } });
  contexts.push(context);
  return Room.open(await context.newPage(), proxy.through(link), `${oneWayMs} ms`);
}

test.beforeEach(async ({ browser }) => {
  demo = new Demo('320x180');
  const links = await demo.start();
  const opened = ONE_WAY_MS.map((ms, n) => open(browser, n === 0 ? links.host_link : links.guest_link, ms));
  rooms = await Promise.all(opened);
});

test.afterEach(async ({}, info) => {
  if (info.status !== info.expectedStatus) await info.attach('server.log', { body: demo.output() });
  await Promise.all(contexts.map((context) => context.close()));
  await Promise.all(proxies.map((proxy) => proxy.end()));
  [contexts, proxies, rooms] = [[], [], []];
  await demo.end();
});

/** Waits until the host shows this frame or a later one. */
async function hostReaches(frame: number): Promise<void> {
  await expect.poll(() => rooms[0]!.shownFrame(), { intervals: [50], timeout: 20_000 }).toBeGreaterThanOrEqual(frame);
}

/** When each frame of the clip came on the screen; where it came twice, the first time. */
function byFrame(shown: ShownFrame[]): Map<number, number> {
  const at = new Map<number, number>();
  for (const frame of shown) {
    const number = Math.round(frame.time * FPS);
    if (!at.has(number)) at.set(number, frame.at);
  }
  return at;
}

/** How much later than the host a page showed each frame, in milliseconds, and when it did. */
function apart(host: ShownFrame[], page: ShownFrame[]): { at: number; ms: number }[] {
  const hostAt = byFrame(host);
  return [...byFrame(page)].flatMap(([frame, at]) => {
    const other = hostAt.get(frame);
    return other === undefined ? [] : [{ at, ms: at - other }];
  });
}

/** How large the errors of each whole second from then on were; of one without a picture there is none, which is no number. */
function bySecond(errors: { at: number; ms: number }[], from: number): number[][] {
  const whole = Math.max(0, Math.floor(((errors.at(-1)?.at ?? from) - from) / 1000));
  const second = (n: number) => errors.filter(({ at }) => Math.floor((at - from) / 1000) === n);
  return Array.from({ length: whole }, (_, n) => second(n).map(({ ms }) => Math.abs(ms)));
}

/** The media's own time and the number burnt into the picture are of the same frame. */
function burntAgrees(room: Room, shown: ShownFrame[]): void {
  const read = shown.filter((frame) => frame.burnt !== null);
  expect(read.length, `${room.name}: pictures read`).toBeGreaterThan(10);
  // The picture is read a little after its callback: the next one may be up by then, on a busy machine the one after it.
  const ahead = read.map(({ time, burnt }) => burnt! - Math.round(time * FPS));
  expect(Math.min(...ahead), `${room.name}: no picture is older than the media's time says`).toBeGreaterThanOrEqual(0);
  expect(percentile(ahead, 0.95), `${room.name}: nor newer`).toBeLessThanOrEqual(1);
}

/** Plays the clip from its first frame to `PAUSE_AT` and gives back what each page showed. */
async function play(): Promise<ShownFrame[][]> {
  const [host] = rooms as [Room];
  await host.seek(0);
  await allShow(rooms, 0);
  await Promise.all(rooms.map((room) => watch(room, 'clip-video', READ_EVERY)));
  await host.press('play');
  await hostReaches(PAUSE_AT);
  await host.press('play'); // the same button pauses
  const shown = await Promise.all(rooms.map(shownBy));
  const frame = await host.shownFrame();
  await allShow(rooms, frame);
  return shown;
}

test('four pages up to 300 ms away show a playing clip together, and stand on the same frame', async () => {
  await rooms[0]!.choose('clip', 0);
  await allShow(rooms, 0);
  const errors: number[][] = rooms.map(() => []);
  for (let n = 0; n < PLAYS; n += 1) {
    const shown = await play();
    rooms.forEach((room, i) => {
      burntAgrees(room, shown[i]!);
      if (i === 0) return;
      const matched = apart(shown[0]!, shown[i]!);
      expect(matched.length, `${room.name}: frames that the host showed too`).toBeGreaterThan(PAUSE_AT * 0.7);
      errors[i]!.push(...matched.map(({ ms }) => ms));
    });
  }
  for (const [i, room] of rooms.entries()) {
    if (i === 0) continue;
    const sizes = errors[i]!.map(Math.abs);
    const [p50, p95, most] = [percentile(sizes, 0.5), percentile(sizes, 0.95), Math.max(...sizes)];
    console.log(
      `${room.name} away, ${sizes.length} frames: error against the host ` +
        `p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, most ${most.toFixed(1)} ms`,
    );
  }
  for (const [i, room] of rooms.entries()) {
    if (i === 0) continue;
    const sizes = errors[i]!.map(Math.abs);
    expect(percentile(sizes, 0.5), `${room.name}: p50`).toBeLessThanOrEqual(P50_MS);
    expect(percentile(sizes, 0.95), `${room.name}: p95`).toBeLessThanOrEqual(P95_MS);
  }
});

test('who comes late to a playing clip is with the others within two seconds', async () => {
  const [host, , late] = rooms as [Room, Room, Room];
  await host.choose('clip', 0);
  await allShow(rooms, 0);
  await watch(host, 'clip-video', READ_EVERY);
  await host.press('play');
  await hostReaches(5);
  const opened = await host.page.evaluate(() => performance.timeOrigin + performance.now());
  await late.page.reload();
  await late.online();
  await watch(late, 'clip-video', READ_EVERY);
  const online = await host.page.evaluate(() => performance.timeOrigin + performance.now());
  await hostReaches(245);
  const errors = apart(await shownBy(host), await shownBy(late));
  const outside = errors.filter(({ ms }) => Math.abs(ms) > P95_MS);
  const within = errors.filter(({ at }) => at > (outside.at(-1)?.at ?? 0))[0]?.at ?? Number.NaN;
  const seconds = bySecond(errors, online + 2000).map((sizes) => percentile(sizes, 0.95));
  console.log(
    `a latecomer ${late.name} away: in the room ${(online - opened).toFixed(0)} ms after its page was opened, within ${P95_MS} ms for good ` +
      `${(within - opened).toFixed(0)} ms after (${(within - online).toFixed(0)} ms in the room); from 2 s in the room on p95 of each second ` +
      `${seconds.map((ms) => ms.toFixed(1)).join(' ')} ms`,
  );
  expect(seconds.length).toBeGreaterThanOrEqual(2);
  for (const [n, ms] of seconds.entries()) expect(ms, `p95 of second ${n + 3} in the room`).toBeLessThanOrEqual(P95_MS);
});
