import { beforeEach, describe, expect, it } from 'vitest';
import type { VideoLike } from './clipPlayer';
import { TwinPlayer } from './twinPlayer';

/** A `<video>` that is where it is told to be at once. */
class InstantVideo {
  src = '';
  playbackRate = 1;
  preservesPitch = true;
  muted = false;
  ended = false;
  paused = true;
  seeking = false;
  readyState = 4;
  error = null;
  #time = 0;
  #listeners = new Map<string, () => void>();
  #callback: VideoFrameRequestCallback | null = null;

  get currentTime() {
    return this.#time;
  }
  set currentTime(seconds: number) {
    this.#time = seconds;
    this.appear(seconds);
  }
  async play() {
    this.paused = false;
  }
  pause() {
    this.paused = true;
  }
  load() {
    return;
  }
  removeAttribute() {
    this.src = '';
  }
  loaded() {
    this.#listeners.get('loadedmetadata')?.();
    this.#listeners.get('canplay')?.();
  }
  addEventListener(name: string, listener: () => void) {
    this.#listeners.set(name, listener);
  }
  removeEventListener() {
    return;
  }
  requestVideoFrameCallback(callback: VideoFrameRequestCallback) {
    this.#callback = callback;
    return 1;
  }
  cancelVideoFrameCallback() {
    this.#callback = null;
  }
  appear(seconds: number, at = 1000) {
    const metadata = { mediaTime: Math.floor(seconds * 25) / 25, expectedDisplayTime: at };
    this.#callback?.(0, metadata as VideoFrameCallbackMetadata);
  }
  fails() {
    this.#listeners.get('error')?.();
  }
}

const source = { url: '/clip', rate: { num: 25, den: 1 }, frames: 100 };
let videos: [InstantVideo, InstantVideo];
let twin: TwinPlayer;
let fronts: number[];
let frames: number[];
let errors: string[];

beforeEach(() => {
  videos = [new InstantVideo(), new InstantVideo()];
  [fronts, frames, errors] = [[], [], []];
  twin = new TwinPlayer(videos as unknown as [VideoLike, VideoLike], {
    onFront: (index) => fronts.push(index),
    onFrame: ({ frame }) => frames.push(frame),
    onError: (message) => errors.push(message),
  });
  twin.load(source, 10);
  videos[0].loaded();
});

describe('TwinPlayer', () => {
  it('loads the second video only for a loop', () => {
    expect([videos[0].src, videos[1].src]).toEqual(['/clip', '']);
    expect(twin.prepareTurn(20)).toBe(false);
    videos[1].loaded();
    expect(twin.prepareTurn(20)).toBe(true);
    expect(videos[1].src).toBe('/clip');
    twin.prepareTurn(null);
    expect(videos[1].src).toBe('');
  });

  it('turns: the second is seen and heard, and the first gets ready for the next turn', () => {
    twin.play(1);
    twin.prepareTurn(20);
    videos[1].loaded();
    frames = [];
    twin.startTurn(1);
    expect([videos[1].paused, videos[1].muted, frames]).toEqual([false, true, []]);
    videos[1].appear(0.84);
    twin.finishTurn();
    expect(fronts).toEqual([1]);
    expect([videos[0].muted, videos[1].muted, videos[0].paused]).toEqual([true, false, true]);
    expect(twin.shown?.frame).toBe(21);
    videos[1].appear(0.88);
    expect(frames).toEqual([22]);
    expect(twin.prepareTurn(20)).toBe(true);
    twin.startTurn(1);
    twin.finishTurn();
    expect([fronts, videos[0].muted]).toEqual([[1, 0], false]);
  });

  it('stays silent where the person wants no sound', () => {
    videos[0].muted = true;
    twin.play(1);
    twin.prepareTurn(0);
    twin.startTurn(1);
    twin.finishTurn();
    expect(videos.map(({ muted }) => muted)).toEqual([true, true]);
  });

  it('calls a turn off', () => {
    twin.play(1);
    twin.prepareTurn(20);
    twin.startTurn(1);
    twin.show(50);
    expect([videos[1].paused, twin.shown?.frame, fronts]).toEqual([true, 50, []]);
    twin.finishTurn();
    expect(fronts).toEqual([]);
  });

  it('does without the second video when that fails', () => {
    twin.prepareTurn(20);
    videos[1].fails();
    expect([errors, videos[1].src]).toEqual([[], '']);
    videos[0].fails();
    expect(errors).toHaveLength(1);
  });
});
