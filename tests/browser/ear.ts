// What a page really shows and plays, on its one clock: the frame numbers of a picture, its flashes, and the beeps and the
// tone of its sound.
import { expect, type Page } from '@playwright/test';
import { readBand, FPS, type Room } from './room.ts';
import { LOOP } from './encoders.ts';

/** Which part of a picture: left, top, width and height in fractions of it. */
export type Part = [number, number, number, number];
export const ALL: Part = [0, 0, 1, 1];

interface Shown {
  /** When the frame was to reach the screen, in milliseconds of the page's clock. */
  at: number;
  /** How many frames the browser had shown by then: a gap is one that was not seen. */
  count: number;
  band: string | null;
  white: boolean;
}

declare global {
  interface Window {
    /** The page's connections, as they were made. */
    heardOf: RTCPeerConnection[];
    ear: {
      frames: Shown[];
      /** When each beep began to leave the page, in milliseconds of the page's clock. */
      beeps: number[];
      /** The strongest frequency below 2 kHz, and how wide a step of the spectrum is, in hertz. */
      pitch(): { hertz: number; step: number; decibels: number };
      /** How loud each frequency is, and what is next to it on either side, in decibels. */
      levels(hertz: readonly number[]): { at: number; beside: number }[];
      end(): Promise<void>;
    };
  }
}

/** So many flashes in a row say that picture and sound are in step. */
const FLASHES = 5;
/**
 * What people do not notice, in milliseconds: by the browser's own account, and by flash and beep. Where the browser says 0, the ear hears a
 * live sound some 25 ms after its picture: its own buffers are in it, the device's, which the browser does not count, and the screen's
 * refreshes of 17 ms.
 */
export const IN_STEP_MS = 40;

/** How far apart two places of the loop are, forwards. */
const ahead = (from: number, to: number): number => (to - from + LOOP) % LOOP;

/** Keeps the connections of the page's documents, so that they can be asked what they play. */
export async function keepConnections(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const made: RTCPeerConnection[] = [];
    window.heardOf = made;
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        made.push(this);
      }
    };
  });
}

/** How far sound is behind its picture by the browser's own account, in milliseconds; null before it knows. */
async function apart(room: Room): Promise<number | null> {
  return room.page.evaluate(async () => {
    const played: Partial<Record<string, number>> = {};
    for (const peer of window.heardOf.filter(({ connectionState }) => connectionState === 'connected')) {
      (await peer.getStats()).forEach((entry: { type: string; kind: string; estimatedPlayoutTimestamp?: number }) => {
        if (entry.type === 'inbound-rtp') played[entry.kind] = entry.estimatedPlayoutTimestamp;
      });
    }
    const { video, audio } = played;
    return video === undefined || audio === undefined ? null : video - audio;
  });
}

/** Begins to watch and to listen; what went before is forgotten. */
export async function attend(room: Room, which: 'live-video' | 'clip-video', part = ALL): Promise<void> {
  await room.page.getByTestId(which).evaluate(async (element, part) => {
    // A beep begins where it is loud and was not for 300 ms. The tone is not loud.
    const listener = `registerProcessor('beeps', class extends AudioWorkletProcessor {
      constructor() { super(); this.loud = -1; }
      process([input]) {
        for (let i = 0; i < (input[0]?.length ?? 0); i += 1) {
          if (Math.abs(input[0][i]) < 0.25) continue;
          const at = currentTime + i / sampleRate;
          if (at - this.loud > 0.3) this.port.postMessage(at);
          this.loud = at;
        }
        return true;
      }
    })`;
    await window.ear?.end();
    const video = element as HTMLVideoElement & { captureStream(): MediaStream };
    const stream = (video.srcObject as MediaStream | null) ?? video.captureStream();
    const context = new AudioContext({ latencyHint: 'interactive' });
    const module = URL.createObjectURL(new Blob([listener], { type: 'text/javascript' }));
    await context.audioWorklet.addModule(module);
    await context.resume();
    const source = context.createMediaStreamSource(new MediaStream(stream.getAudioTracks()));
    const analyser = new AnalyserNode(context, { fftSize: 32768, smoothingTimeConstant: 0 });
    const beeps = new AudioWorkletNode(context, 'beeps');
    // It is silent, and connected so that it is asked for its silence all the time.
    source.connect(beeps).connect(context.destination);
    source.connect(analyser);

    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [1, 1];
    const pixel = canvas.getContext('2d', { willReadFrequently: true })!;
    const [left, top, width, height] = part as [number, number, number, number];
    let over = false;
    const ear = {
      frames: [] as Shown[],
      beeps: [] as number[],
      pitch: () => {
        const levels = new Float32Array(analyser.frequencyBinCount);
        analyser.getFloatFrequencyData(levels);
        const step = context.sampleRate / analyser.fftSize;
        let best = 1;
        for (let bin = 1; bin * step < 2000; bin += 1) if (levels[bin]! > levels[best]!) best = bin;
        return { hertz: best * step, step, decibels: levels[best]! };
      },
      levels: (hertz: readonly number[]) => {
        const levels = new Float32Array(analyser.frequencyBinCount);
        analyser.getFloatFrequencyData(levels);
        const loudest = (from: number, to: number) => Math.max(...levels.slice(from, to + 1));
        return hertz.map((tone) => {
          const bin = Math.round((tone * analyser.fftSize) / context.sampleRate);
          return { at: loudest(bin - 1, bin + 1), beside: Math.max(loudest(bin - 30, bin - 15), loudest(bin + 15, bin + 30)) };
        });
      },
      end: async () => {
        over = true;
        await context.close();
      },
    };
    window.ear = ear;
    beeps.port.onmessage = ({ data }: MessageEvent<number>) => {
      // Which sample leaves at what time: the delay of the output is in it. So is the buffer of this context, which is
      // not in the way of the page's own sound.
      const { contextTime, performanceTime } = context.getOutputTimestamp();
      ear.beeps.push(performanceTime! + (data - contextTime! - context.baseLatency) * 1000);
    };
    const next: VideoFrameRequestCallback = (_now, frame) => {
      if (over) return;
      video.requestVideoFrameCallback(next);
      const [w, h] = [video.videoWidth, video.videoHeight];
      pixel.drawImage(video, (left + width * 0.4) * w, (top + height * 0.3) * h, 0.1 * width * w, 0.1 * height * h, 0, 0, 1, 1);
      ear.frames.push({
        at: frame.expectedDisplayTime,
        count: frame.presentedFrames,
        band: window.stripBand(video, part),
        white: pixel.getImageData(0, 0, 1, 1).data[1]! > 150,
      });
    };
    video.requestVideoFrameCallback(next);
  }, part);
}

/** Waits until the tone is heard: the strongest step of the spectrum is the one that it is in. */
export async function hears(room: Room, hertz: number): Promise<void> {
  await expect(async () => {
    const { hertz: found, step, decibels } = await room.page.evaluate(() => window.ear.pitch());
    expect(decibels, `${room.name}: it is not silent`).toBeGreaterThan(-40);
    expect(Math.abs(found - hertz), `${room.name}: ${found} Hz is heard`).toBeLessThanOrEqual(step);
  }).toPass({ timeout: 20_000, intervals: [200] });
}

/** Waits until of these tones exactly those are heard: each stands out of what is next to it in the spectrum. */
export async function hearsOf(room: Room, tones: readonly number[], heard: readonly number[]): Promise<void> {
  await expect(async () => {
    const levels = await room.page.evaluate((tones) => window.ear.levels(tones), tones);
    const said = levels.map(({ at, beside }, n) => `${tones[n]} Hz: ${at.toFixed(0)} dB, beside ${beside.toFixed(0)} dB`).join('; ');
    const found = tones.filter((_, n) => levels[n]!.at > -50 && levels[n]!.at > levels[n]!.beside + 20);
    expect(found, said).toEqual(heard);
  }).toPass({ timeout: 20_000, intervals: [200] });
}

/** Times that belong to one second of the source: when its flash was seen, and when its beep was heard. */
interface Second {
  flash: number;
  beep: number;
}

/** The flashes of which the first frame was seen, each with the beep next to it. */
function seconds(frames: Shown[], beeps: number[]): Second[] {
  return frames.flatMap(({ at, count, white }, n) => {
    const before = frames[n - 1];
    if (!before || !white || before.white || count !== before.count + 1) return [];
    const beep = beeps.find((beep) => Math.abs(beep - at) < 500);
    return beep === undefined ? [] : [{ flash: at, beep }];
  });
}

/** How fast the numbers in the picture went up since then, in frames a second. */
function speed(frames: Shown[], since: number): number {
  const read = frames.flatMap(({ at, band }) => {
    const number = band === null || at < since ? null : readBand(band);
    return number === null ? [] : [{ at, number }];
  });
  const passed = read.slice(1).reduce((sum, { number }, n) => sum + ahead(read[n]!.number, number), 0);
  return (passed * 1000) / (read.at(-1)!.at - read[0]!.at);
}

/** Waits for so many further flashes, all of which are in step with their beeps, and the picture with the source's pace. */
async function flashesInStep(room: Room, what: string, withinSeconds: number): Promise<void> {
  await expect(async () => {
    const { frames, beeps } = await room.page.evaluate(() => ({ frames: window.ear.frames, beeps: window.ear.beeps }));
    const found = seconds(frames, beeps);
    expect(found.length, `${what}: flashes with their beeps, of ${frames.length} frames`).toBeGreaterThanOrEqual(FLASHES);
    const last = found.slice(-FLASHES);
    const offsets = last.map(({ flash, beep }) => Math.round(flash - beep));
    const said = `${what}: the picture is behind the sound by (ms) ${offsets.join(' ')}`;
    for (const offset of offsets) expect(Math.abs(offset), said).toBeLessThanOrEqual(IN_STEP_MS);
    const pace = speed(frames, last[0]!.flash);
    console.log(`${said}; ${pace.toFixed(2)} frames a second`);
    expect(Math.abs(pace - FPS), `${what}: the pace of the source`).toBeLessThan(FPS * 0.05);
  }).toPass({ timeout: withinSeconds * 1000, intervals: [200] });
}

/** Waits until a clip's picture and sound are in step. */
export async function clipInStep(room: Room, what: string): Promise<void> {
  await flashesInStep(room, what, 20);
}

/** Waits until a live source's picture and sound are in step, by flash and beep and by the browser's own account. */
export async function liveInStep(room: Room, what: string, withinSeconds: number): Promise<void> {
  const began = Date.now();
  await flashesInStep(room, what, withinSeconds);
  await expect(async () => {
    const behind = await apart(room);
    expect(behind, `${what}: the browser says how far the sound is behind`).not.toBeNull();
    expect(Math.abs(behind!), `${what}: ${behind} ms`).toBeLessThanOrEqual(IN_STEP_MS);
    console.log(`${what}: in step after ${(Date.now() - began) / 1000} s; the browser says ${behind} ms`);
  }).toPass({ timeout: Math.max(1, withinSeconds * 1000 - (Date.now() - began)), intervals: [200] });
}

/** Watches on for so many flashes: they stay in step, with a picture that is no older than this in the end. */
export async function staysInStep(room: Room, what: string, flashes: number, oldestMs: number): Promise<void> {
  const count = async (): Promise<number> => {
    const { frames, beeps } = await room.page.evaluate(() => ({ frames: window.ear.frames, beeps: window.ear.beeps }));
    return seconds(frames, beeps).length;
  };
  const before = await count();
  await expect.poll(count, { timeout: flashes * 4000, intervals: [500] }).toBeGreaterThanOrEqual(before + flashes);
  await liveInStep(room, what, 10);
  const badge = room.page.getByTestId('live-delay');
  const delay = Number(await badge.getAttribute('data-delay-ms'));
  expect(delay, `${what}: the room waits`).toBeGreaterThan(0);
  expect(delay, `${what}: the room waits`).toBeLessThan(oldestMs);
  console.log(`${what}: the room shows it ${delay} ms after it was captured`);
}
