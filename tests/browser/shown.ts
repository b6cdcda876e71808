// When each frame of a picture reached the screen of several pages, on the machine's one clock.
import { readBand, type Room } from './room.ts';

declare global {
  interface Window {
    shownFrames: { at: number; time: number; band: string | null }[];
  }
}

/** A frame that reached the screen. */
export interface ShownFrame {
  /** Milliseconds on the clock that all pages of the machine share. */
  at: number;
  /** The place in the media, in seconds; for a live source its RTP timestamp. */
  time: number;
  /** The number burnt into the picture; null where it was not read. */
  burnt: number | null;
}

/** Writes down from now on every frame of this video that reaches the screen; of every `readEvery`th the picture is read. */
export async function watch(room: Room, which: 'clip-video' | 'live-video', readEvery: number): Promise<void> {
  await room.page.getByTestId(which).evaluate((element, every) => {
    const video = element as HTMLVideoElement;
    window.shownFrames = [];
    let count = 0;
    const next: VideoFrameRequestCallback = (_now, frame) => {
      video.requestVideoFrameCallback(next);
      const band = count % every === 0 ? window.stripBand(video) : null;
      count += 1;
      const at = performance.timeOrigin + frame.expectedDisplayTime;
      window.shownFrames.push({ at, time: frame.rtpTimestamp ?? frame.mediaTime, band });
    };
    video.requestVideoFrameCallback(next);
  }, readEvery);
}

/** What was written down so far. */
export async function shownBy(room: Room): Promise<ShownFrame[]> {
  const frames = await room.page.evaluate(() => window.shownFrames);
  return frames.map(({ at, time, band }) => ({ at, time, burnt: band === null ? null : readBand(band) }));
}

/** The value that this part of the values does not exceed. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}
