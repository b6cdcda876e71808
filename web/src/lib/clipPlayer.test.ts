import { beforeEach, describe, expect, it } from 'vitest';
import { ClipPlayer, type ShownFrame, type VideoLike } from './clipPlayer';

const pal = { num: 25, den: 1 };

/** A `<video>` whose seeks end, and whose frames appear, when the test says so. */
class FakeVideo {
  src = '';
  playbackRate = 1;
  preservesPitch = true;
  muted = false;
  ended = false;
  paused = true;
  seeking = false;
  readyState = 0;
  error: MediaError | null = null;
  seeks: number[] = [];
  refuseSound = false;
  plays = 0;
  #time = 0;
  #listeners = new Map<string, Set<() => void>>();
  #callbacks = new Map<number, VideoFrameRequestCallback>();
  #lastCallback = 0;

  get currentTime() {
    return this.#time;
  }
  set currentTime(seconds: number) {
    this.#time = seconds;
    this.seeking = true;
    this.seeks.push(seconds);
  }
  async play() {
    this.plays += 1;
    if (this.refuseSound && !this.muted) {
      throw Object.assign(new Error('touch the page first'), { name: 'NotAllowedError' });
    }
    this.paused = false;
  }
  pause() {
    this.paused = true;
  }
  load() {
    this.readyState = 0;
    this.seeking = false;
  }
  removeAttribute() {
    this.src = '';
  }
  addEventListener(name: string, listener: () => void) {
    this.#listeners.set(name, (this.#listeners.get(name) ?? new Set()).add(listener));
  }
  removeEventListener(name: string, listener: () => void) {
    this.#listeners.get(name)?.delete(listener);
  }
  requestVideoFrameCallback(callback: VideoFrameRequestCallback) {
    this.#callbacks.set(++this.#lastCallback, callback);
    return this.#lastCallback;
  }
  cancelVideoFrameCallback(id: number) {
    this.#callbacks.delete(id);
  }
  emit(name: string) {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) listener();
  }
  metadata() {
    this.readyState = 4;
    this.emit('loadedmetadata');
  }
  /** Ends the seek under way; the picture that belongs to `seconds` appears. */
  arrive(seconds = this.#time) {
    this.seeking = false;
    this.emit('seeked');
    this.appear(seconds);
  }
  appear(seconds: number, at = 5000) {
    const callbacks = [...this.#callbacks.values()];
    this.#callbacks.clear();
    const mediaTime = Math.floor(seconds * 25) / 25;
    const metadata = { mediaTime, expectedDisplayTime: at } as VideoFrameCallbackMetadata;
    for (const callback of callbacks) callback(0, metadata);
  }
  get listening() {
    return [...this.#listeners.values()].some((set) => set.size > 0) || this.#callbacks.size > 0;
  }
}

let video: FakeVideo;
let player: ClipPlayer;
let frames: ShownFrame[];
let muted: number;
let errors: string[];
let buffering: boolean[];

beforeEach(() => {
  video = new FakeVideo();
  frames = [];
  muted = 0;
  errors = [];
  buffering = [];
  player = new ClipPlayer(video as unknown as VideoLike, {
    onFrame: (shown) => frames.push(shown),
    onMuted: () => (muted += 1),
    onError: (message) => errors.push(message),
    onBuffering: (now) => buffering.push(now),
  });
});

function loaded(frame = 0) {
  player.load({ url: '/files/clip.mp4', rate: pal, frames: 250 }, frame);
  video.metadata();
  video.arrive();
  video.seeks = [];
}

describe('a paused clip', () => {
  it('comes up at the frame it was loaded at, seeking to the middle of it', () => {
    player.load({ url: '/files/clip.mp4', rate: pal, frames: 250 }, 100);
    expect(video.seeks).toEqual([]);
    video.metadata();
    expect(video.seeks).toEqual([100.5 / 25]);
    video.arrive();
    expect(player.shown).toEqual({ frame: 100, mediaTime: 4, at: 5000 });
    expect(frames.map((shown) => shown.frame)).toEqual([100]);
  });

  it('goes to the latest of many frames without cutting a seek short', () => {
    loaded();
    for (const frame of [10, 11, 12, 13]) player.show(frame);
    expect(video.seeks).toEqual([10.5 / 25]);
    video.arrive();
    expect(video.seeks).toEqual([10.5 / 25, 13.5 / 25]);
    video.arrive();
    expect(player.shown?.frame).toBe(13);
    expect(video.seeks).toHaveLength(2);
  });

  it('does not seek to what is already shown', () => {
    loaded(40);
    player.show(40);
    expect(video.seeks).toEqual([]);
  });

  it('stays inside the clip', () => {
    loaded();
    player.show(9999);
    video.arrive();
    player.show(-5);
    expect(video.seeks).toEqual([249.5 / 25, 0.5 / 25]);
  });

  it('seeks again when another frame than the wanted came up, but not for ever', () => {
    loaded();
    player.show(50);
    for (let n = 0; n < 10; n += 1) video.arrive(49 / 25);
    expect(video.seeks).toHaveLength(4);
    player.show(60);
    video.arrive();
    expect(player.shown?.frame).toBe(60);
  });

  it('stops a playing clip at the frame that was asked for', () => {
    loaded();
    player.play(1);
    video.appear(2);
    player.show(47);
    expect(video.paused).toBe(true);
    expect(video.seeks).toEqual([47.5 / 25]);
  });
});

describe('a playing clip', () => {
  it('plays at the rate it is given and takes corrections', () => {
    loaded();
    player.play(1);
    expect(player.playing).toBe(true);
    player.setRate(1.03);
    expect(video.playbackRate).toBe(1.03);
    player.play(0.97);
    expect(video.plays).toBe(1);
    expect(video.playbackRate).toBe(0.97);
  });

  it('lets the pitch go with a small correction, which would cost more than it corrects otherwise', () => {
    loaded();
    player.play(1);
    const kept = (rate: number) => {
      player.setRate(rate);
      return video.preservesPitch;
    };
    expect([1.004, 1.03, 0.97].map(kept)).toEqual([false, false, false]);
    expect([1.05, 0.92, 0.5, 2].map(kept)).toEqual([true, true, true, true]);
  });

  it('is at its own rate again once it is paused', () => {
    loaded();
    player.play(1.05);
    player.show(3);
    expect(video.playbackRate).toBe(1);
  });

  it('goes on playing after a jump', () => {
    loaded();
    player.play(1);
    player.jump(80);
    expect(video.paused).toBe(false);
    expect(video.seeks).toEqual([80.5 / 25]);
  });

  it('does not correct frames as if it were paused', () => {
    loaded();
    player.play(1);
    video.appear(3);
    video.appear(3.04);
    expect(video.seeks).toEqual([]);
    expect(frames.slice(-2).map((shown) => shown.frame)).toEqual([75, 76]);
  });

  it('plays muted where the browser refuses sound, and says so', async () => {
    loaded();
    video.refuseSound = true;
    player.play(1);
    await Promise.resolve();
    await Promise.resolve();
    expect(muted).toBe(1);
    expect(video.muted).toBe(true);
    expect(video.paused).toBe(false);
  });

  it('does not start after all when it was paused while the browser refused', async () => {
    loaded();
    video.refuseSound = true;
    player.play(1);
    player.show(5);
    await Promise.resolve();
    await Promise.resolve();
    expect(video.paused).toBe(true);
  });
});

describe('the measured position', () => {
  const half = 1000 / 120;
  const run = (from: number, count: number, at: number, every = 40) => {
    for (let n = 0; n < count; n += 1) video.appear((from + n + 0.5) / 25, at + n * every);
  };

  it('of a paused clip is the frame that is shown', () => {
    loaded(12);
    expect(player.positionAt(99_999)).toBe(12.5);
  });

  it('of a playing clip goes on from the frames that reached the screen', () => {
    loaded();
    player.play(1);
    run(1, 2, 1000);
    expect(player.positionAt(1100)).toBeNull();
    run(3, 3, 1080);
    expect(player.positionAt(1160)).toBeCloseTo(5 + half / 40, 6);
    expect(player.positionAt(1260)).toBeCloseTo(7.5 + half / 40, 6);
  });

  it('is not led astray by one frame that came late', () => {
    loaded();
    player.play(1);
    run(1, 4, 1000);
    video.appear(5.5 / 25, 1190);
    expect(player.positionAt(1190)).toBeCloseTo(5.75 + half / 40, 6);
  });

  it('is measured anew after a jump', () => {
    loaded();
    player.play(1);
    run(1, 5, 1000);
    player.jump(100);
    expect(player.positionAt(1200)).toBeNull();
    expect(player.busy).toBe(true);
    video.emit('canplay');
    video.arrive();
    run(101, 2, 2000);
    expect(player.busy).toBe(false);
    expect(player.positionAt(2040)).not.toBeNull();
  });

  it('lies behind the last frame once the clip has run out', () => {
    loaded();
    player.play(1);
    run(245, 5, 1000);
    video.paused = video.ended = true;
    expect(player.positionAt(1200)).toBe(250);
    player.show(249);
    expect(player.positionAt(1200)).toBe(249.5);
  });

  it('starts from another frame by one seek', () => {
    loaded();
    player.play(1, 30);
    expect(video.seeks).toEqual([30.5 / 25]);
    expect(video.paused).toBe(false);
    expect(player.busy).toBe(true);
  });

  it('takes the speed into account', () => {
    loaded();
    player.play(2);
    run(1, 5, 1000, 20);
    expect(player.positionAt(1180)).toBeCloseTo(10 + (half * 2) / 40, 6);
    player.setRate(1);
    expect(player.positionAt(1180)).toBeNull();
  });
});

describe('loading', () => {
  it('says when it waits for data', () => {
    loaded();
    video.emit('canplay');
    video.emit('waiting');
    video.emit('waiting');
    video.emit('playing');
    expect(buffering).toEqual([true, false, true, false]);
  });

  it('starts from the frame it was loaded at when told to play before it is there', () => {
    player.load({ url: '/files/clip.mp4', rate: pal, frames: 250 }, 100);
    player.play(1);
    video.metadata();
    expect(video.seeks).toEqual([100.5 / 25]);
    expect(video.paused).toBe(false);
  });

  it('forgets the frame of the clip before', () => {
    loaded(10);
    player.load({ url: '/files/other.mp4', rate: pal, frames: 100 });
    expect(player.shown).toBeNull();
    expect(player.positionAt(6000)).toBeNull();
  });

  it('reports a file that cannot be played, and not its own unloading', () => {
    loaded();
    video.error = { message: 'DEMUXER_ERROR' } as MediaError;
    video.emit('error');
    player.unload();
    video.emit('error');
    expect(errors).toEqual(['DEMUXER_ERROR']);
  });

  it('leaves nothing behind', () => {
    loaded();
    player.destroy();
    expect(video.listening).toBe(false);
  });
});
