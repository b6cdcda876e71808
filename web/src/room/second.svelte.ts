import { app } from '../app.svelte';
import { fileAddress } from '../lib/api';
import { ClipPlayer } from '../lib/clipPlayer';
import type { RoomState } from '../lib/room/protocol';
import { secondState } from '../lib/sync/second';
import { ClipFollower } from './clipFollower';

export interface SecondOptions {
  token: string;
  /** The server's time at a moment of `performance.now()`. */
  serverAt: (at: number) => number | null;
}

/** The second picture of a comparison: a silent clip that is bound to the first. */
export class SecondScreen {
  readonly #options: SecondOptions;
  #player: ClipPlayer | null = null;
  #follower: ClipFollower | null = null;
  #room: RoomState | null = null;
  #loaded: string | null = null;
  shownFrame = $state<number | null>(null);
  error = $state<string | null>(null);

  constructor(options: SecondOptions) {
    this.#options = options;
  }

  attach(video: HTMLVideoElement): void {
    video.muted = true;
    this.#player = new ClipPlayer(video, {
      onFrame: ({ frame }) => {
        this.shownFrame = frame;
        this.error = null;
        this.tick();
      },
      onError: () => this.#again(),
    });
    const { serverAt } = this.#options;
    this.#follower = new ClipFollower({ player: this.#player, serverAt });
    this.#take();
  }

  /** The room is in this state now. */
  follow(room: RoomState | null): void {
    this.#room = room?.compare ? room : null;
    this.#take();
    this.tick();
  }

  tick(): void {
    const at = this.#options.serverAt(performance.now());
    const state = this.#room && at !== null ? secondState(this.#room, at) : null;
    this.#follower?.follow(state);
  }

  destroy(): void {
    this.#follower?.stop();
    this.#player?.destroy();
  }

  #take(): void {
    const assetId = this.#room?.compare?.asset_id ?? null;
    if (!this.#player || assetId === this.#loaded) return;
    this.#loaded = assetId;
    this.shownFrame = null;
    this.error = null;
    this.#player.unload();
    if (assetId) void this.#load(assetId);
  }

  async #load(assetId: string): Promise<void> {
    try {
      const file = await app.api.primaryFile(this.#options.token, assetId);
      const { fps_num: num, fps_den: den, frames } = this.#room?.compare ?? {};
      if (this.#loaded !== assetId || !num || !den) return;
      if (!file.url) throw new Error('This clip has no file that can be played.');
      const url = fileAddress(file.url, location.href);
      const source = { url, rate: { num, den }, frames: frames ?? null };
      this.#player?.load(source, Math.max(0, this.#follower?.target() ?? 0));
      this.tick();
    } catch (error) {
      if (app.endedBy(error) || this.#loaded !== assetId) return;
      this.error = (error as Error).message;
      this.#again();
    }
  }

  /** An address may have run out, or the server be away: once more in a while. */
  #again(): void {
    const assetId = this.#loaded;
    setTimeout(() => assetId && assetId === this.#loaded && void this.#load(assetId), 3000);
  }
}
