// What encoders send over SRT and RTP, what is put together of it and what is recorded of it, as a page shows and plays it:
// the number in the picture, the pitch of the sound, and how far one is from the other.
import { test, expect, type Browser } from '@playwright/test';
import * as asks from './asks.ts';
import { ALL, attend, clipInStep, hears, hearsOf, keepConnections, liveInStep, staysInStep, type Part } from './ear.ts';
import { Encoders, freePorts, type Other } from './encoders.ts';
import type { FrameSource } from './frameStrip.ts';
import { Room, counts } from './room.ts';
import { Stage } from './stage.ts';

/**
 * Sound comes later than its picture, by what a muxer bundles of it (190 ms with ffmpeg's) and what its way through the server takes.
 * By itself Chromium takes some 25 s until they are in step; five flashes are five of these.
 */
const COMES_TOGETHER_S = 20;
/** How old a room on loopback shows a source, at most: it was measured to be 300 ms, and 630 and growing where nothing stopped it. */
const OLDEST_MS = 500;
/** In hertz; none is a multiple of another. */
const TONES = [440, 620, 790, 1130] as const;

/** What is converted for browsers; by ffmpeg, which these tests have, or without it. */
const OTHERS: readonly Other[] = ['b-frames', 'h265'];

const stage = new Stage();
const encoders = new Encoders('live', 'clip-a', 'clip-b', 'other');
let host: Room;
let problems: string[];

test.beforeAll(async () => {
  for (const other of OTHERS) await encoders.prepareOther('clip-a', other);
});

async function open(browser: Browser): Promise<void> {
  // The ear is a module of its own, which the page's policy would not let in.
  const page = await stage.newPage(browser, { bypassCSP: true });
  await keepConnections(page);
  problems = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  host = await Room.open(page, stage.demo.links.host_link, 'host');
}

/** Asks the server as the person whose page it is. */
function ask<T>(path: string, body: object): Promise<T> {
  return asks.ask(host.page, path, body);
}

/** The folder that the room shows everything of. */
function folder(): Promise<string> {
  return asks.folderOf(host.page, stage.demo.links.live_asset_id);
}

/** A source that an encoder sends to by SRT: its id. */
async function srt(name: string, source: FrameSource, hertz: number): Promise<string> {
  const made = await registerSrt(name);
  encoders.srt(made.url, source, hertz);
  return made.id;
}

/** Registers a source that sends by SRT. */
async function registerSrt(name: string): Promise<{ id: string; url: string }> {
  return ask('/create/live/registration/srt', { project_id: await folder(), name, description: '' });
}

/** Chooses it in the room, which shows it to all at once. */
async function show(name: string): Promise<void> {
  await host.page.getByTestId('playlist-item').filter({ hasText: name }).click();
  await expect(host.page.getByTestId('picture')).toHaveAttribute('data-showing', 'live');
  await expect(host.page.getByTestId('live-delay')).toHaveAttribute('data-way', 'together');
}

/** The page has nothing to say against what it shows. */
async function noProblem(): Promise<void> {
  expect(problems).toEqual([]);
  await expect(host.page.getByTestId('picture').getByRole('status')).toHaveCount(0);
}

test('a feed over SRT with AAC is seen and heard in step, and so is its recording', async ({ browser }) => {
  await open(browser);
  await srt('Camera A', 'other', TONES[0]);
  await show('Camera A');
  await counts(host, 'live-video', 5);
  expect((await host.reading('live-video'))?.source).toBe('other');
  await attend(host, 'live-video');
  await hears(host, TONES[0]);
  await host.page.getByTestId('record').click();
  await expect(host.page.getByTestId('recording')).toBeVisible();
  await liveInStep(host, 'SRT', COMES_TOGETHER_S);
  await staysInStep(host, 'SRT', 10, OLDEST_MS);
  await host.page.getByTestId('record').click();
  await expect(host.page.getByTestId('recording-told')).toContainText('in the playlist');
  await noProblem();

  const recording = host.page.locator('[data-testid=playlist-item][data-kind=clip]').filter({ hasText: /\d\d:\d\d:\d\d/ });
  await recording.first().click();
  await expect(async () => {
    expect(await host.shownFrame()).toBe(0);
    expect((await host.reading('clip-video'))?.source).toBe('other');
  }).toPass({ timeout: 15_000, intervals: [50] });
  await attend(host, 'clip-video');
  await host.press('play');
  await counts(host, 'clip-video', 5);
  await hears(host, TONES[0]);
  await clipInStep(host, 'the recording');
  await noProblem();
});

test('a feed over RTP with AAC is seen and heard in step', async ({ browser }) => {
  await open(browser);
  const [project_id, ports] = [await folder(), await freePorts()];
  await ask('/create/live/registration/raw', {
    project_id,
    asset_name: 'Camera B',
    source_ip: '127.0.0.1',
    video_port: ports.video,
    audio_port: ports.audio,
  });
  const all = await ask<{ type: string; registration_data: string }[]>('/list/live/registrations', { project_id });
  encoders.rtp(all.find(({ type }) => type === 'RAW')!.registration_data, ports, 'clip-b', TONES[1]);
  await show('Camera B');
  await counts(host, 'live-video', 5);
  expect((await host.reading('live-video'))?.source).toBe('clip-b');
  await attend(host, 'live-video');
  await hears(host, TONES[1]);
  await liveInStep(host, 'RTP', COMES_TOGETHER_S);
  await noProblem();
});

for (const other of OTHERS) {
  test(`a feed with ${other} is converted, and seen and heard in step`, async ({ browser }) => {
    await open(browser);
    const { id, url } = await registerSrt('Camera C');
    encoders.srtOther(url, 'clip-a', other, TONES[3]);
    await show('Camera C');
    const transcode = async () => {
      type Details = { additional_details: { transcode: { state: string } | null } };
      return (await ask<Details>('/get/live/details', { id })).additional_details.transcode?.state;
    };
    await expect.poll(transcode, { timeout: 20_000 }).toBe('RUNNING');
    // Numbers that only rise.
    await counts(host, 'live-video', 5);
    expect((await host.reading('live-video'))?.source).toBe('clip-a');
    await attend(host, 'live-video');
    await hears(host, TONES[3]);
    await liveInStep(host, other, COMES_TOGETHER_S);
    await noProblem();
  });
}

test('a composite of four shows each in its quarter, with the sound of the one that was chosen, or of all', async ({ browser }) => {
  await open(browser);
  const sources: FrameSource[] = ['live', 'clip-a', 'clip-b', 'other'];
  const quarters: Part[] = [0, 1, 2, 3].map((n) => [(n % 2) / 2, n < 2 ? 0 : 0.5, 0.5, 0.5]);
  const ids: string[] = [];
  for (const [n, source] of sources.entries()) ids.push(await srt(`Camera ${n + 1}`, source, TONES[n]!));
  const layout = (audio: { mode: 'SOURCE'; source: string } | { mode: 'MIX' }) => ({
    canvas: { width: 640, height: 360, fps: 25 },
    cells: ids.map((source, n) => ({ source, x: (n % 2) * 320, y: n < 2 ? 0 : 180, width: 320, height: 180 })),
    audio,
  });
  const wall = { name: 'Wall', description: '' };
  const { id } = await ask<{ id: string }>('/create/live/registration/composite', {
    ...wall,
    project_id: await folder(),
    layout: layout({ mode: 'SOURCE', source: ids[2]! }),
  });
  await show('Wall');
  await expect(async () => {
    for (const [n, quarter] of quarters.entries()) {
      expect((await host.reading('live-video', quarter))?.source, `quarter ${n}`).toBe(sources[n]);
    }
  }).toPass({ timeout: 30_000, intervals: [200] });
  expect(await host.reading('live-video', ALL), 'there is no one picture').toBeNull();

  // Each of them moves.
  for (const quarter of quarters) {
    const before = await host.reading('live-video', quarter);
    await expect.poll(async () => (await host.reading('live-video', quarter))?.frame).not.toBe(before?.frame);
  }
  await attend(host, 'live-video', quarters[2]);
  await hears(host, TONES[2]);
  await liveInStep(host, 'the composite', COMES_TOGETHER_S);

  const update = (audio: Parameters<typeof layout>[0]) => ask('/update/live/registration/composite', { ...wall, id, layout: layout(audio) });
  await update({ mode: 'SOURCE', source: ids[1]! });
  await hears(host, TONES[1]);
  await hearsOf(host, TONES, [TONES[1]]);
  await update({ mode: 'MIX' });
  await hearsOf(host, TONES, TONES);
  await noProblem();
});

/** Asks for a slate, which is asked for over the WebSocket alone. */
async function askForSlate(id: string): Promise<void> {
  const answer = await host.page.evaluate(async (id) => {
    const { token } = JSON.parse(sessionStorage.getItem('rushes.session')!) as { token: string };
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`);
    await new Promise((done, failed) => [(socket.onopen = done), (socket.onerror = failed)]);
    const answered = new Promise<string>((done) => {
      socket.onmessage = ({ data }: MessageEvent<string>) => {
        if ((JSON.parse(data) as { request_id?: string }).request_id === 'slate') done(data);
      };
    });
    socket.send(JSON.stringify({ endpoint: 'rushes/live/slate', data: { id, on: true }, request_id: 'slate', token }));
    const answer = await answered;
    socket.close();
    return answer;
  }, id);
  expect(JSON.parse(answer)).toMatchObject({ data: { id, slate: true } });
}

/** What part of the picture is as dark as a slate's ground, and what part is as light as its letters. */
async function tones(): Promise<{ ground: number; letters: number }> {
  return host.page.getByTestId('live-video').evaluate((element) => {
    const video = element as HTMLVideoElement;
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    const context = canvas.getContext('2d')!;
    context.drawImage(video, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const counted = { ground: 0, letters: 0 };
    for (let at = 1; at < data.length; at += 4) {
      counted.ground += Number(data[at]! >= 24 && data[at]! < 44);
      counted.letters += Number(data[at]! > 180);
    }
    const pixels = data.length / 4;
    return { ground: counted.ground / pixels, letters: counted.letters / pixels };
  });
}

test('a source that goes is a slate in the room, and its picture again when it comes back', async ({ browser }) => {
  await open(browser);
  const { id, url } = await registerSrt('Camera D');
  await askForSlate(id);
  encoders.srt(url, 'live', TONES[0]);
  await show('Camera D');
  await counts(host, 'live-video', 5);
  expect((await tones()).ground).toBeLessThan(0.5);

  await encoders.stop();
  await expect(async () => {
    const { ground, letters } = await tones();
    expect(ground).toBeGreaterThan(0.9);
    expect(letters).toBeGreaterThan(0.001);
  }).toPass({ timeout: 20_000, intervals: [100] });
  expect(await host.strip('live-video'), 'a slate has no number').toBeNull();
  // It goes on: what is seen is no picture that stands still.
  const before = await host.decoded('live-video');
  await expect.poll(() => host.decoded('live-video')).toBeGreaterThan(before + 3);
  await expect(host.page.getByTestId('sync-badge')).toHaveAttribute('data-sync', 'away', { timeout: 20_000 });

  encoders.srt(url, 'other', TONES[1]);
  await counts(host, 'live-video', 5);
  expect((await host.reading('live-video'))?.source).toBe('other');
  await attend(host, 'live-video');
  await hears(host, TONES[1]);
  await noProblem();
});
