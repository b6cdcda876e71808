// A source of 5.1 in two pages at once: one whose device has so many channels, and one whose device has two.
import { test, expect, type Browser } from '@playwright/test';
import { ask, folderOf } from './asks.ts';
import { keepConnections } from './ear.ts';
import { Encoders } from './encoders.ts';
import { Room, counts } from './room.ts';
import { Stage } from './stage.ts';

declare global {
  /** Chromium's, of which TypeScript has no description: it gives out what a track has. */
  class MediaStreamTrackProcessor {
    constructor(init: { track: MediaStreamTrack });
    readable: ReadableStream<AudioData>;
  }
}

/** In hertz: front left and right, front centre, low frequencies, behind on the left and on the right. */
const TONES = [300, 500, 700, 60, 1100, 1300] as const;
/** Of each as the encoder makes it. */
const HEIGHT = 0.2;

const stage = new Stage();
const encoders = new Encoders('other');

/** A page on a machine whose device has so many channels. There is none here. */
async function open(browser: Browser, link: string, name: string, channels: number): Promise<Room> {
  const page = await stage.newPage(browser);
  await keepConnections(page);
  await page.addInitScript((count) => {
    Object.defineProperty(AudioDestinationNode.prototype, 'maxChannelCount', { get: () => count });
  }, channels);
  return Room.open(page, link, name);
}

/** What the browser says the sound of the source is. */
async function codec(room: Room): Promise<string | null> {
  return room.page.evaluate(async () => {
    const peer = window.heardOf.filter(({ connectionState }) => connectionState === 'connected').at(-1);
    const all = await peer?.getStats();
    let found: string | null = null;
    all?.forEach((entry: { type: string; kind: string; codecId?: string }) => {
      if (entry.type === 'inbound-rtp' && entry.kind === 'audio' && entry.codecId) {
        found = (all.get(entry.codecId) as { mimeType: string }).mimeType;
      }
    });
    return found;
  });
}

/** The heights of the tones in each channel that the browser gives the page to play, in half a second. */
async function heard(room: Room): Promise<number[][]> {
  return room.page.getByTestId('live-video').evaluate(async (element, tones) => {
    // Web Audio would mix them to two.
    const [track] = ((element as HTMLVideoElement).srcObject as MediaStream).getAudioTracks();
    const reader = new MediaStreamTrackProcessor({ track: track!.clone() }).readable.getReader();
    let planes: number[][] = [];
    let rate = 0;
    while (!planes.length || planes[0]!.length < rate / 2) {
      const { value: data } = await reader.read();
      if (!data) break;
      if (data.numberOfChannels !== planes.length) planes = Array.from({ length: data.numberOfChannels }, () => []);
      rate = data.sampleRate;
      planes.forEach((plane, planeIndex) => {
        const samples = new Float32Array(data.numberOfFrames);
        data.copyTo(samples, { planeIndex, format: 'f32-planar' });
        plane.push(...samples);
      });
      data.close();
    }
    await reader.cancel();
    const height = (samples: number[], hertz: number): number => {
      const angle = (2 * Math.PI * hertz) / rate;
      const sine = samples.reduce((sum, sample, at) => sum + sample * Math.sin(angle * at), 0);
      const cosine = samples.reduce((sum, sample, at) => sum + sample * Math.cos(angle * at), 0);
      return (2 * Math.hypot(sine, cosine)) / samples.length;
    };
    return planes.map((plane) => tones.map((hertz) => height(plane, hertz)));
  }, TONES);
}

/** Which tone is alone in each channel; null where there is none, or are several. */
function alone(heights: number[][]): (number | null)[] {
  const is = (height: number, wanted: number) => Math.abs(height - wanted) < 0.03;
  return heights.map((channel) => {
    const loud = TONES.filter((_, tone) => is(channel[tone]!, HEIGHT));
    const silent = channel.filter((height) => is(height, 0));
    return loud.length === 1 && silent.length === TONES.length - 1 ? loud[0]! : null;
  });
}

test('5.1 is played in six channels where there are so many, and else in two', async ({ browser }) => {
  const { host_link, guest_link, live_asset_id } = stage.demo.links;
  const surround = await open(browser, host_link, 'host', 6);
  const stereo = await open(browser, guest_link, 'guest', 2);
  const project_id = await folderOf(surround.page, live_asset_id);
  const registration = { project_id, name: 'Mixer', description: '' };
  const { url } = await ask<{ url: string }>(surround.page, '/create/live/registration/srt', registration);
  encoders.srtSurround(url, 'other', TONES);
  await surround.page.getByTestId('playlist-item').filter({ hasText: 'Mixer' }).click();
  for (const room of [surround, stereo]) await counts(room, 'live-video', 5);
  await expect.poll(() => codec(surround)).toBe('audio/multiopus');
  await expect.poll(() => codec(stereo)).toBe('audio/opus');
  await expect(async () => expect(alone(await heard(surround))).toEqual(TONES)).toPass({ timeout: 30_000 });
  // Front left alone is on the left, and mixed with what is in the middle.
  const both = await heard(stereo);
  expect(both).toHaveLength(2);
  const [left, right] = both;
  expect(left![0]! > 0.05 && right![0]! < 0.02 && left![2]! > 0.03 && right![2]! > 0.03, `${left} ${right}`).toBe(true);
});
