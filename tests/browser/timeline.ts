// What a page showed and when, frame by frame, so that two pages can be compared at the same moments.
import { readBand, type Room } from './room.ts';

/** A frame that came on the screen: `at` is on the machine's one clock, in milliseconds. */
export interface Shown {
  at: number;
  frame: number;
}

/** Records the next `count` frames of the clip, the number read from the picture itself. */
export async function record(room: Room, count: number): Promise<Shown[]> {
  const bands = await room.page.getByTestId('clip-video').evaluate(
    (element, wanted) =>
      new Promise<{ at: number; band: string }[]>((done) => {
        const video = element as HTMLVideoElement;
        const seen: { at: number; band: string }[] = [];
        const next: VideoFrameRequestCallback = (_now, frame) => {
          const band = window.stripBand(video);
          if (band !== null) seen.push({ at: performance.timeOrigin + frame.expectedDisplayTime, band });
          if (seen.length >= wanted) done(seen);
          else video.requestVideoFrameCallback(next);
        };
        video.requestVideoFrameCallback(next);
      }),
    count,
  );
  return bands.flatMap(({ at, band }) => {
    const frame = readBand(band);
    return frame === null ? [] : [{ at, frame }];
  });
}

/** The frame on the screen at a moment: the last one that came before it. */
function at(timeline: Shown[], moment: number): number | null {
  let frame: number | null = null;
  for (const shown of timeline) {
    if (shown.at > moment) break;
    frame = shown.frame;
  }
  return frame;
}

/** How far two timelines are apart at evenly spaced moments that both cover; a loop of `wrap` frames has no far ends. */
export function compare(a: Shown[], b: Shown[], by: { samples: number; everyMs: number; wrap: number }): number[] {
  const start = Math.max(a[0]!.at, b[0]!.at) + 1;
  const end = Math.min(a[a.length - 1]!.at, b[b.length - 1]!.at);
  const differences: number[] = [];
  for (let i = 0; i < by.samples; i += 1) {
    const moment = start + i * by.everyMs;
    const [x, y] = [at(a, moment), at(b, moment)];
    if (moment > end || x === null || y === null) break;
    const apart = Math.abs(x - y);
    differences.push(Math.min(apart, by.wrap - apart));
  }
  return differences;
}
