// The room page as a test drives it: what a person would press, and what the picture really shows.
import { expect, type Page } from '@playwright/test';
import { readStrip, type FrameReading } from './frameStrip.ts';

export const FPS = 25;

declare global {
  interface Window {
    /**
     * The rows of the picture that hold the strip, scaled to `BAND.width`: base64, one byte of brightness a pixel. Of a part
     * of the picture, where one is named: its left, top, width and height in fractions of the whole.
     */
    stripBand(video: HTMLVideoElement, part?: readonly number[]): string | null;
  }
}

/** The picture is scaled to 320 x 180; the strip lies within these rows of it. */
const BAND = { width: 320, height: 180, top: 156, rows: 16 };

/** Puts `stripBand` into every document of the page. */
export async function installStripBand(page: Page): Promise<void> {
  await page.addInitScript((band) => {
    const canvas = document.createElement('canvas');
    canvas.width = band.width;
    canvas.height = band.height;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    window.stripBand = (video, [left = 0, top = 0, width = 1, height = 1] = []) => {
      if (!context || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return null;
      const [w, h] = [video.videoWidth, video.videoHeight];
      context.drawImage(video, left * w, top * h, width * w, height * h, 0, 0, band.width, band.height);
      const { data } = context.getImageData(0, band.top, band.width, band.rows);
      let text = '';
      for (let i = 1; i < data.length; i += 4) text += String.fromCharCode(data[i] ?? 0);
      return btoa(text);
    };
  }, BAND);
}

/** All that is said by what `stripBand` answered, or null where there is nothing to read. */
export function readingOf(band: string): FrameReading | null {
  const luma = new Uint8Array(BAND.width * BAND.height);
  luma.set(Buffer.from(band, 'base64'), BAND.top * BAND.width);
  return readStrip({ width: BAND.width, height: BAND.height, luma });
}

/** The number in it. */
export function readBand(band: string): number | null {
  return readingOf(band)?.frame ?? null;
}

export class Room {
  constructor(
    readonly page: Page,
    readonly name: string,
  ) {}

  static async open(page: Page, link: string, name: string): Promise<Room> {
    await installStripBand(page);
    await page.goto(link);
    const room = new Room(page, name);
    await expect(page.getByTestId('picture')).toBeVisible();
    await room.online();
    return room;
  }

  async online(timeout = 20_000): Promise<void> {
    await expect(this.page.getByTestId('connection')).toHaveAttribute('data-state', 'online', { timeout });
  }

  async choose(kind: 'live' | 'clip', index = 0): Promise<void> {
    await this.page.locator(`[data-testid=playlist-item][data-kind=${kind}]`).nth(index).click();
  }

  press(control: 'play' | 'step-forward' | 'step-back'): Promise<void> {
    return this.page.getByTestId(control).click();
  }

  /** The frame number that the page says it shows. */
  async shownFrame(): Promise<number> {
    return Number(await this.page.getByTestId('frame').getAttribute('data-frame'));
  }

  /** How many frames the visible video has decoded, by the browser's own count. */
  decoded(which: 'live-video' | 'clip-video'): Promise<number> {
    return this.page.getByTestId(which).evaluate((v: HTMLVideoElement) => v.getVideoPlaybackQuality().totalVideoFrames);
  }

  /** Reads the number burnt into the picture that is on the screen now. */
  async strip(which: 'live-video' | 'clip-video' | 'second-video'): Promise<number | null> {
    return (await this.reading(which))?.frame ?? null;
  }

  /** All that the strip says, of the picture or of a part of it. */
  async reading(which: 'live-video' | 'clip-video' | 'second-video', part: readonly number[] = []): Promise<FrameReading | null> {
    const video = this.page.getByTestId(which);
    const band = await video.evaluate((video, part) => window.stripBand(video as HTMLVideoElement, part), part);
    return band === null ? null : readingOf(band);
  }

  /** Turns the loop on. */
  loop(): Promise<void> {
    return this.page.getByTestId('loop').click();
  }

  /** Seeks by the keyboard, as a person would on the seek bar: from the start, frame by frame. */
  async seek(frame: number): Promise<void> {
    await this.page.getByTestId('seek').fill(String(frame));
  }
}

/** Waits until all of them stand on this frame of a clip, by the page's own word and by the picture. */
export async function allShow(rooms: readonly Room[], frame: number): Promise<void> {
  for (const room of rooms) {
    await expect(async () => {
      expect(await room.shownFrame(), `${room.name}: the page's frame`).toBe(frame);
      expect(await room.strip('clip-video'), `${room.name}: the picture's frame`).toBe(frame);
    }).toPass({ timeout: 15_000, intervals: [50] });
  }
}

/**
 * Waits until the number burnt into the picture has been read `count` times, each higher than the one before. Where a loop
 * turns back, the counting begins anew: from its last frame on there is nothing higher to come.
 */
export async function counts(room: Room, which: 'live-video' | 'clip-video', count: number): Promise<number[]> {
  const seen: number[] = [];
  await expect(async () => {
    const strip = await room.strip(which);
    expect(strip, `${room.name}: the strip is readable`).not.toBeNull();
    const last = seen.at(-1) ?? -1;
    if (strip! < last) seen.length = 0;
    if (strip! !== last) seen.push(strip!);
    expect(seen.length).toBeGreaterThanOrEqual(count);
  }).toPass({ timeout: 30_000, intervals: [50] });
  return seen;
}
